"""What ``module.explain()`` says: by which path each part of a circuit is computed, and why."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurosim.backends.snntorch.fused import WORTH_IT, by_triton
from neurosim.backends.snntorch.gpu import recurrent_source
from neurosim.backends.snntorch.gpu.components import by_launches
from neurosim.backends.snntorch.gpu.modules import why_no_triton
from neurosim.backends.snntorch.loops.components import is_recurrent
from neurosim.program.components import Component
from neurosim.program.convolution import ConvolutionProgram

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule

logger = logging.getLogger(__name__)

LOOPS, KERNELS, STEPS, PASSED_ON = "compiled loops", "kernels of Triton", "steps of torch", "passed on"
PROGRAMS = "compiled programs"


@dataclass(frozen=True)
class PartPath:
    """How some parts of a circuit are computed.

    Parameters
    ----------
    parts
        Populations that advance together, or one projection.
    path
        How.
    why
        Why, where that is not the quickest path.
    """

    parts: tuple[str, ...]
    path: str
    why: str = ""


@dataclass(frozen=True)
class Explanation:
    """By which path each part of a module is computed: in a call, and in runs without gradients.

    Parameters
    ----------
    circuit, dtype, device
        Whose, in what, and where.
    populations
        In the order in which they are computed.
    projections
        Those that lead from one of these groups to another. The others act inside the steps of their group.
    runs
        How ``run`` and ``simulate`` compute the whole circuit.
    notes
        What else decides.
    """

    circuit: str
    dtype: str
    device: str
    populations: tuple[PartPath, ...]
    projections: tuple[PartPath, ...]
    runs: PartPath
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "circuit": self.circuit,
            "dtype": self.dtype,
            "device": self.device,
            "populations": [_plain(row) for row in self.populations],
            "projections": [_plain(row) for row in self.projections],
            "runs": _plain(self.runs),
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        wide = max((len(", ".join(row.parts)) for row in (*self.populations, *self.projections)), default=0)
        lines = [f"{self.circuit}: {self.dtype} on {self.device}"]
        for title, rows in (("populations", self.populations), ("projections", self.projections)):
            long = max((len(row.path) for row in rows), default=0)
            lines += [title] if rows else []
            lines += [f"  {', '.join(row.parts):<{wide}}  {row.path:<{long}}  {row.why}".rstrip() for row in rows]
        last = ": ".join(text for text in ("runs without gradients", self.runs.path, self.runs.why) if text)
        return "\n".join([*lines, *self.notes, last])


def _plain(row: PartPath) -> dict[str, Any]:
    return {"parts": list(row.parts), "path": row.path, "why": row.why}


def explain(module: CircuitModule) -> Explanation:
    """Return by which path each part of a module is computed."""
    populations = tuple(_component(module, component, why) for component, why in module.stepped.items())
    projections = tuple(_projection(module, name) for component in module.schedule for name in component.ahead)
    notes = []
    if any(row.path in (LOOPS, KERNELS) for row in populations):
        notes.append("Where a call records values of edges, or what depends on who rests, steps of torch take over.")
        if module.options.fused == "auto":
            notes.append(f'So they do below {WORTH_IT} steps x trials x neurons, since fused="auto".')
    return Explanation(
        module.circuit.name, str(module.torch_dtype).removeprefix("torch."), str(module.device), populations,
        projections, _runs(module), tuple(notes),
    )  # fmt: skip


def _runs(module: CircuitModule) -> PartPath:
    why = module.stepped_runs
    path = KERNELS if by_triton(module) else PROGRAMS
    return PartPath(tuple(module.program.populations), path if why is None else STEPS, why or "")


def is_passed_on(module: CircuitModule, component: Component) -> bool:
    """Tell whether a component is a source alone, whose spikes are passed on as they are given."""
    kinds = [module.program.populations[name].kind for name in component.populations]
    return kinds == ["spikes"] and not component.ahead


def say_what_is_stepped(module: CircuitModule, stepped: Mapping[Component, str | None]) -> None:
    """Log what no loops run although nobody asked for that: a warning where a package is all that is missing.

    Parameters
    ----------
    module
        Whose parts they are.
    stepped
        Why each component is stepped, as :attr:`CircuitModule.stepped`.
    """
    if module.options.fused == "never" or module.relaxed:
        return
    missing = why_no_triton(module.device) if by_triton(module) else None
    if missing is not None:
        logger.warning("%s on %s advances by steps of torch: %s", module.circuit.name, module.device, missing)
        return
    for component, why in stepped.items():
        if why is not None and not is_passed_on(module, component):
            names = ", ".join(component.populations)
            logger.info("%s: steps of torch for %s: %s", module.circuit.name, names, why)


def _component(module: CircuitModule, component: Component, why: str | None) -> PartPath:
    if is_passed_on(module, component):
        return PartPath(component.populations, PASSED_ON, "a source: nothing is computed")
    if why is not None:
        return PartPath(component.populations, STEPS, why)
    if not by_triton(module):
        return PartPath(component.populations, LOOPS)
    if is_recurrent(component) and by_launches(module, component):
        why = f"two launches in every step: a population has more than {recurrent_source.WIDEST} neurons"
    return PartPath(component.populations, KERNELS, why or "")


def _projection(module: CircuitModule, name: str) -> PartPath:
    part = module.part(name)
    if isinstance(part.item, ConvolutionProgram):
        return PartPath((name,), "convolution")
    if part.by_matrix:
        few = ", rows of spikes where these are few" if module.device.type == "cpu" else ""
        return PartPath((name,), f"matrix product{few}")
    if module.device.type == "cpu":
        return PartPath((name,), f"delayed sum in {LOOPS}")
    missing = why_no_triton(module.device)
    if missing is None:
        return PartPath((name,), f"delayed sum in {KERNELS}")
    return PartPath((name,), "delayed sum of torch", missing)
