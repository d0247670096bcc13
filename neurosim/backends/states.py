"""The state that a run starts from: the circuit's own, or one that is given and fits it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.synapse_model import LAST_UPDATE
from neurosim.errors import CircuitError
from neurosim.program.step_program import StepProgram
from neurosim.recording import NEVER, State
from neurosim.recording.values import to_numpy

#: Bytes of a state that is kept for the next run: drawing it anew takes longer than a short run of a small circuit.
KEPT = 2**20


def initial_state(circuit: Circuit, program: StepProgram, seed: int, trials: int) -> State:
    """Return the state that a run starts from; its arrays may be shared with others, and nobody writes to them."""
    known = program.begun
    if trials in known:
        return known[trials].reseeded(seed)
    state = _begun(circuit, program, seed, trials)
    if sum(array.nbytes for _, array in state.arrays()) <= KEPT:
        known.clear()  # a training loop may come with many numbers of trials
        known[trials] = state
    return state


def _begun(circuit: Circuit, program: StepProgram, seed: int, trials: int) -> State:
    variables = {}
    for name, item in program.populations.items():
        if item.kind == "neurons":
            variables[name] = {
                variable: np.repeat(circuit.initial(name, variable)[None], trials, axis=0) for variable in item.state
            }
    for name, projection in program.projections.items():
        if projection.dynamics is not None and projection.dynamics.state:
            variables[name] = {
                variable: np.zeros((trials, projection.n))
                if variable == LAST_UPDATE
                else np.repeat(circuit.edge_initial(name, variable)[None], trials, axis=0)
                for variable in projection.dynamics.state
            }
    refractory = [name for name, item in program.populations.items() if item.refractory is not None]
    sizes = {name: item.n for name, item in program.populations.items()}
    return State(
        step=0,
        dt=circuit.dt,
        trials=trials,
        variables=variables,
        spikes={
            name: np.zeros((depth, trials, sizes[name]), dtype=bool) for name, depth in program.history_depth.items()
        },
        last_spike={name: np.full((trials, sizes[name]), NEVER) for name in refractory},
        not_refractory={name: np.ones((trials, sizes[name]), dtype=bool) for name in refractory},
        circuit_digest=program.digest,
        seed=seed,
    )


def plain_state(state: State) -> State:
    """Return a state with numpy arrays: variables in float64, spikes and refractoriness as bool."""
    if state.source is not None:
        return state  # whose arrays will be that, once they are made
    return replace(
        state,
        variables={
            name: {key: np.asarray(to_numpy(array), np.float64) for key, array in values.items()}
            for name, values in state.variables.items()
        },
        spikes={name: to_numpy(array) != 0 for name, array in state.spikes.items()},
        last_spike={name: to_numpy(array) for name, array in state.last_spike.items()},
        not_refractory={name: to_numpy(array) for name, array in state.not_refractory.items()},
    )


def check_state(state: State, circuit: Circuit, program: StepProgram, trials: int) -> None:
    """Refuse a state that does not belong to this circuit.

    Raises
    ------
    CircuitError
        If dt, trials, a population, a variable or a size differs. The digest may differ (retrained weights).
    """
    if state.dt != circuit.dt:
        raise CircuitError(f"state=: it was taken at dt = {state.dt:g} s, the circuit runs at {circuit.dt:g} s.")
    if state.trials != trials:
        raise CircuitError(
            f"state=: it holds {state.trials} trials, the run asks for {trials}; pass trials={state.trials}."
        )
    if state.source is not None and state.circuit_digest == program.digest:
        return  # it was made for this very circuit; looking at its arrays would make them
    expected = _shapes(program, trials)
    found = dict(state.arrays())
    for address in expected.keys() ^ found.keys():
        problem = "lacks" if address in expected else "has an unknown"
        raise CircuitError(f"state=: it does not fit circuit {circuit.name!r}: it {problem} {address!r}.")
    for address, shape in expected.items():
        if shape != tuple(found[address].shape):
            raise CircuitError(
                f"state=: {address!r} has shape {tuple(found[address].shape)}, circuit {circuit.name!r} needs {shape}."
            )


def _shapes(program: StepProgram, trials: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array of a state, by address."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, item in program.populations.items():
        own = (trials, item.n)
        if item.kind == "neurons":
            shapes |= {f"{name}.{variable}": own for variable in item.state}
        if name in program.history_depth:
            shapes[f"{name}.spikes"] = (program.history_depth[name], *own)
        if item.refractory is not None:
            shapes |= {f"{name}.{kind}": own for kind in ("last_spike", "not_refractory")}
    for name, projection in program.projections.items():
        if projection.dynamics is not None:
            shapes |= {f"{name}.{variable}": (trials, projection.n) for variable in projection.dynamics.state}
    return shapes
