"""`neurosim export`: a circuit in a form that other software runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from neurosim.cli.options import SimulationOptions, optional


@dataclass(frozen=True, kw_only=True)
class ExportCommand(SimulationOptions):
    """Write a circuit as a script that others can run, without neurosim."""

    to: Literal["brian2-script"] = "brian2-script"
    """The form: a Python script that needs brian2 and numpy only, its arrays in an .npz file beside it."""
    out: Annotated[Path | None, optional("FILE", "the circuit's name, .py")] = None
    """Where the script goes."""
    statements: Annotated[
        Literal["exact", "native"],
        arg(
            help="exact: the statements that neurosim runs, the same spikes to the last bit. native: the circuit's own "
            "equations and Brian2's integrators, to be changed; rounds otherwise, with random numbers of its own."
        ),
    ] = "exact"
    json: bool = False
    """Print one JSON object instead of text."""
    overwrite: bool = False
    """Replace files that exist."""

    def __call__(self, command: Sequence[str]) -> int:
        """Run the verb; return the exit code."""
        from neurosim.cli.circuits import load_circuit
        from neurosim.interop import export_brian2_script

        named = load_circuit(self.circuit, self.settings, self.step())
        duration = self.duration_of(named.duration)
        path = export_brian2_script(
            named.circuit,
            Path(f"{file_name(named.circuit.name)}.py") if self.out is None else self.out,
            duration,
            seed=self.seed,
            statements=self.statements,
            overwrite=self.overwrite,
        )
        files = [str(path), str(path.with_suffix(".npz"))]
        if self.json:
            outcome = {
                "circuit": named.circuit.name, "circuit_digest": named.circuit.digest(), "to": self.to,
                "statements": self.statements, "duration": float(duration), "seed": self.seed, "files": files,
            }  # fmt: skip
            print(json.dumps(outcome, allow_nan=False))
        else:
            print("\n".join(f"wrote {file}" for file in files))
        return 0


def file_name(name: str) -> str:
    """Return a circuit's name as the stem of a file: other than letters, digits, ``-`` and ``_`` become ``_``."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)
