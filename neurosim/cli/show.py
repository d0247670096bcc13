"""`neurosim show`: a circuit as text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurosim.cli.options import CircuitName, Settings

if TYPE_CHECKING:
    from neurosim.circuit.circuit import Circuit


@dataclass(frozen=True, kw_only=True)
class ShowCommand:
    """Show what a circuit consists of: equations, values, projections, and the data that it is built from."""

    circuit: CircuitName
    settings: Settings = ()
    json: bool = False
    """Print one JSON object instead of text."""

    def __call__(self, command: Sequence[str]) -> int:
        """Run the verb; return the exit code."""
        from neurosim.cli.circuits import load_circuit

        named = load_circuit(self.circuit, self.settings)
        circuit = named.circuit
        if self.json:
            arguments = {name: str(value) for name, value in named.arguments.items()}
            print(json.dumps({**overview(circuit), "arguments": arguments}, allow_nan=False))
        else:
            built = ", ".join(f"{name}={value}" for name, value in named.arguments.items())
            notes = [f"built with {built} (--set changes them)"] if built else []
            notes += [named.notes()] if named.notes is not None else []
            print("\n\n".join([str(circuit), *notes]))
        return 0


def overview(circuit: Circuit) -> Mapping[str, Any]:
    """Return names and sizes of the parts of a circuit, as JSON values; its edges are drawn for that."""
    return {
        "circuit": circuit.name,
        "dt": circuit.dt,
        "seed": circuit.seed,
        "digest": circuit.digest(),
        "populations": {
            name: {"neurons": part.n, "model": getattr(part.model, "name", type(part.model).__name__)}
            for name, part in circuit.populations.items()
        },
        "projections": {
            name: {"pre": part.pre, "post": part.post, "edges": circuit.edges(part).n}
            for name, part in circuit.projections.items()
        },
        "injections": {
            name: {"population": part.population, "variable": part.variable, "neurons": part.n}
            for name, part in circuit.injections.items()
        },
    }
