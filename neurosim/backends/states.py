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


def initial_state(circuit: Circuit, program: StepProgram, seed: int, trials: int) -> State:
    """Return the state that a run starts from."""
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
    expected = dict(initial_state(circuit, program, 0, trials).arrays())
    found = dict(state.arrays())
    for address in expected.keys() ^ found.keys():
        problem = "lacks" if address in expected else "has an unknown"
        raise CircuitError(f"state=: it does not fit circuit {circuit.name!r}: it {problem} {address!r}.")
    for address, array in expected.items():
        if array.shape != tuple(found[address].shape):
            raise CircuitError(
                f"state=: {address!r} has shape {tuple(found[address].shape)}, circuit {circuit.name!r} needs "
                f"{array.shape}."
            )
