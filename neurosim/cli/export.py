"""`neurosim export`: a circuit in a form that other software runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import UseAppendAction, arg

from neurosim.cli.options import SimulationOptions, optional
from neurosim.errors import UnsupportedError

Form = Literal["brian2-script", "nir", "norse", "snntorch"]
#: What only some forms have a use for, by the word on the command line.
ONLY = {"--duration": "brian2-script", "--statements": "brian2-script", "--spikes": "nir", "--allow-lossy": "nir"}


@dataclass(frozen=True, kw_only=True)
class ExportCommand(SimulationOptions):
    """Write a circuit in a form that others run, without neurosim."""

    to: Annotated[
        Form,
        arg(
            help="brian2-script: a Python script that needs brian2 and numpy only. nir: a graph of the Neuromorphic "
            "Intermediate Representation. snntorch, norse: a Python script with plain layers of that library. Scripts "
            "have their arrays in an .npz file beside them."
        ),
    ] = "brian2-script"
    out: Annotated[Path | None, optional("FILE", "the circuit's name, .py or .nir")] = None
    """Where it goes."""
    statements: Annotated[
        Literal["exact", "native"] | None,
        arg(
            metavar="{exact,native}",
            help="Of a script of Brian2. exact: the statements that neurosim runs, the same spikes to the last bit. "
            "native: the circuit's own equations and Brian2's integrators, to be changed; rounds otherwise, with "
            "random numbers of its own.",
            help_behavior_hint="(default: exact)",
        ),
    ] = None
    spikes: Annotated[
        Literal["dirac", "step"] | None,
        arg(
            metavar="{dirac,step}",
            help="Of a graph of NIR: what a spike is. dirac: a pulse of area 1, as NIR says. step: a current of 1 "
            "for one step of dt, as snnTorch, Norse and others execute a file.",
            help_behavior_hint="(default: dirac)",
        ),
    ] = None
    allow_lossy: Annotated[
        tuple[str, ...],
        arg(
            metavar="WHAT",
            help="What a graph of NIR may lose: delay, refractory, initial, reset, plasticity, map, input. May be "
            "given again.",
            help_behavior_hint="",
        ),
        UseAppendAction,
    ] = ()
    json: bool = False
    """Print one JSON object instead of text."""
    overwrite: bool = False
    """Replace files that exist."""

    def __call__(self, command: Sequence[str]) -> int:
        """Run the verb; return the exit code."""
        from neurosim.cli import export_brian2_script, export_layers, export_nir
        from neurosim.cli.circuits import load_circuit

        given = {"--duration": self.duration, "--statements": self.statements, "--spikes": self.spikes,
                 "--allow-lossy": self.allow_lossy or None}  # fmt: skip
        for option, form in ONLY.items():
            if given[option] is not None and self.to != form:
                raise UnsupportedError(f"{option} is for --to {form}, not for --to {self.to}; leave it out.")
        named = load_circuit(self.circuit, self.settings, self.step())
        stem = file_name(named.circuit.name)
        path = Path(f"{stem}.nir" if self.to == "nir" else f"{stem}.py") if self.out is None else self.out
        forms: dict[str, Callable[..., tuple[list[Path], dict[str, Any]]]] = {
            "brian2-script": export_brian2_script.export, "nir": export_nir.export,
            "norse": export_layers.export, "snntorch": export_layers.export,
        }  # fmt: skip
        files, more = forms[self.to](self, named, path)
        lost = more.get("lost", [])
        if self.json:
            circuit = named.circuit
            outcome = {"circuit": circuit.name, "circuit_digest": circuit.digest(), "to": self.to, **more,
                       "files": [str(file) for file in files]}  # fmt: skip
            print(json.dumps(outcome, allow_nan=False))
        else:
            print("\n".join([*(f"wrote {file}" for file in files), *(f"lost: {what}" for what in lost)]))
        return 0


def file_name(name: str) -> str:
    """Return a circuit's name as the stem of a file: other than letters, digits, ``-`` and ``_`` become ``_``."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)
