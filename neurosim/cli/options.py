"""What the verbs that run a circuit have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, UseAppendAction, arg
from tyro.constructors import PrimitiveConstructorSpec

from neurosim.errors import CircuitError

#: The plot's place where the command does not name one.
DEFAULT_PLOT = Path()


def _plot_file(words: Sequence[str]) -> Path:
    if len(words) > 1:
        raise ValueError("at most one file; put the circuit before --plot")
    return Path(words[0]) if words else DEFAULT_PLOT


CircuitName = Positional[
    Annotated[
        str,
        arg(
            metavar="CIRCUIT",
            help="A name that `neurosim list` shows, a circuit's .json file, or file.py:function, which runs that file "
            "and calls the function, which returns the circuit.",
        ),
    ]
]
Settings = Annotated[
    tuple[str, ...],
    arg(
        name="set",
        metavar="ADDRESS=VALUE",
        help="Change a value of the circuit, such as exc.tau_mem=10ms, or an argument of the function that builds it, "
        "such as scale=0.5. May be given again.",
        help_behavior_hint="",
    ),
    UseAppendAction,
]
PlotFile = Annotated[
    Path | None,
    PrimitiveConstructorSpec(
        nargs="*",
        metavar="[FILE]",
        instance_from_str=_plot_file,
        is_instance=lambda value: value is None or isinstance(value, Path),
        str_from_instance=lambda value: [] if value is None else [str(value)],
    ),
    arg(
        help="Draw the result into FILE (.png, .svg, .pdf); without FILE into the folder of --out, else into the "
        "current one.",
        help_behavior_hint="",
    ),
]


def optional(metavar: str, default: str) -> Any:
    """Return how an option is shown whose default depends on something."""
    return arg(metavar=metavar, help_behavior_hint=f"(default: {default})" if default else "")


@dataclass(frozen=True, kw_only=True)
class SimulationOptions:
    """What is to be simulated: options of every verb that runs a circuit or writes how to run it."""

    circuit: CircuitName
    duration: Annotated[str | None, optional("TIME", "what the circuit suggests")] = None
    """How long to simulate, such as 300ms or 1s."""
    dt: Annotated[str | None, optional("TIME", "the circuit's")] = None
    """Time step, such as 0.1ms."""
    seed: Annotated[int, arg(metavar="N")] = 0
    """Seed of the run's noise (the circuit's own: --set seed=N)."""
    settings: Settings = ()

    def duration_of(self, suggested: float | None) -> Any:
        """Return the duration as a quantity.

        Raises
        ------
        CircuitError, UnitError
            If there is none, or it is no time.
        """
        from neurosim.cli.values import parse_time
        from neurosim.units import quantity

        if self.duration is not None:
            return parse_time(self.duration, "--duration")
        if suggested is None:
            raise CircuitError("give --duration, such as --duration 300ms: a circuit from a file suggests none.")
        return quantity(suggested, "second")

    def step(self) -> Any:
        """Return the time step as a quantity, or None for the circuit's."""
        from neurosim.cli.values import parse_time

        return None if self.dt is None else parse_time(self.dt, "--dt")


@dataclass(frozen=True, kw_only=True)
class RunOptions(SimulationOptions):
    """Options of every verb that runs a circuit."""

    trials: Annotated[int, arg(metavar="N")] = 1
    """Independent repetitions."""
    out: Annotated[Path | None, optional("DIR", "")] = None
    """Write the result and its manifest into this folder."""
    plot: PlotFile = None
    json: bool = False
    """Print one JSON object instead of text."""
    overwrite: bool = False
    """Replace files that exist."""

    def plot_path(self, name: str) -> Path | None:
        """Return where to draw, or None."""
        if self.plot is None or self.plot != DEFAULT_PLOT:
            return self.plot
        return Path(f"{name}.png") if self.out is None else self.out / "plot.png"
