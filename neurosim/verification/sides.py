"""The sides of a comparison: which backend, which of its paths, and how exactly it must agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from neurosim.backends import compile as compile_circuit
from neurosim.circuit.circuit import Circuit
from neurosim.errors import BackendError, nearest
from neurosim.program.step_program import StepProgram
from neurosim.recording import Recording, State
from neurosim.verification.case import Progress, Runnable

#: What may be compared, by name: backend and target, or backend and path.
SIDES = ("brian2", "brian2:numpy", "brian2:cython", "brian2:cpp_standalone", "snntorch", "snntorch:eager")
#: Largest relative difference where operations differ: another math library, another order of adding.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Side:
    """One simulator under a name.

    Parameters
    ----------
    name
        As in the report.
    simulator
        What is run.
    exact
        Whether it does the same operations as Brian2's numpy target, in float64.
    """

    name: str
    simulator: Runnable
    exact: bool


class EagerPath:
    """The differentiable path of a torch module, run like a simulator."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.circuit: Circuit = module.circuit
        self.program: StepProgram = module.program

    def run(
        self,
        duration: Any,
        *,
        inputs: Mapping[str, Any] | None = None,
        record: Any = None,
        state: State | None = None,
        seed: int = 0,
        trials: int = 1,
        progress: Progress | None = None,
    ) -> Recording:
        """Run the module as training does; see `neurosim.backends.simulator.Simulator.run`."""
        recording: Recording = self.module.run_eager(
            duration, inputs=inputs, record=record, state=state, seed=seed, trials=trials, progress=progress
        )
        return recording


def checked_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of at least two different sides.

    Raises
    ------
    BackendError
        If one is unknown or given twice, or there is only one.
    """
    found = (names,) if isinstance(names, str) else tuple(names)
    for name in found:
        if name not in SIDES:
            raise BackendError(f"verify: there is no backend {name!r}.{nearest(str(name), SIDES)}")
    if len(found) < 2 or len(set(found)) != len(found):
        raise BackendError(
            f"verify compares two or more different backends, got {', '.join(map(repr, found)) or 'none'}."
        )
    return found


def make_sides(
    circuit: Circuit, names: Iterable[str], *, dt: Any, target: str, dtype: str, device: str, propagation: str
) -> list[Side]:
    """Compile a circuit for every side.

    Parameters
    ----------
    circuit
        What to run.
    names
        Of :data:`SIDES`; the paths of one module share it.
    dt
        Another time step than the circuit's, or None.
    target
        Brian2's target where the name gives none.
    dtype, device, propagation
        Of the torch module.
    """
    sides = []
    module = None
    for name in names:
        backend, _, path = name.partition(":")
        if backend == "brian2":
            chosen = path or target
            simulator: Runnable = compile_circuit(circuit, "brian2", dt=dt, target=chosen)
            exact = chosen == "numpy"
        else:
            if module is None:
                module = compile_circuit(
                    circuit, "snntorch", dt=dt, dtype=dtype, device=device, propagation=propagation
                )
            simulator = EagerPath(module) if path == "eager" else module
            exact = not path and bool(module.exact)
        sides.append(Side(name, simulator, exact))
    return sides
