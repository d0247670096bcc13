from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.analysis.sparsity import HARDWARE, Hardware, operations
from neurosim.errors import AnalysisError
from neurosim.recording import Recording, SpikeTrains
from neurosim.units import Hz, ms, second

STEPS = 50


def circuit() -> ns.Circuit:
    made = ns.Circuit("counted", dt=1 * ms, seed=1)
    made.source("in", ns.SpikeSource(4))
    cell = ns.models.lif(tau_mem=10 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0)
    made.population("cells", 3, cell)
    made.population("read", 2, ns.models.leaky_integrator(tau_mem=10 * ms))
    weights = np.array([0.9, 0.9, 0.0, 0.9, 0.9])
    made.connect("in", "cells", ns.Edges([0, 0, 1, 2, 3], [0, 1, 2, 2, 0]), receptor="v", weight=weights)
    made.connect("cells", "read", ns.AllToAll(), receptor="v", weight=0.5)
    return made


def run(made: ns.Circuit, backend: str = "brian2", trials: int = 2, **record: Any) -> Recording:
    random = np.random.default_rng(0).random((STEPS, trials, 4)) < 0.3
    return ns.simulate(
        made,
        STEPS * ms,
        backend=backend,
        trials=trials,
        inputs={"in": SpikeTrains.from_dense(random, 1e-3)},
        record=record or {"in": "spikes", "cells": "spikes"},
    )


@pytest.mark.parametrize("backend", ["brian2", "snntorch"])
def test_every_spike_on_every_edge(backend: str) -> None:
    made = circuit()
    recording = run(made, backend)
    found = operations(made, recording)
    sent = recording.spikes["in"].counts().values.sum(axis=0)
    assert found.synaptic["in_to_cells"] == 2 * sent[0] + sent[2] + sent[3]  # one edge has no weight
    assert found.synaptic["cells_to_read"] == 2 * len(recording.spikes["cells"]) > 0
    assert found.dense == {"in_to_cells": 12.0 * 2 * STEPS, "cells_to_read": 6.0 * 2 * STEPS}
    assert found.updates == {"cells": 3.0 * 2 * STEPS, "read": 2.0 * 2 * STEPS}
    assert not found.multiply_accumulate
    assert not found.learning
    assert found.seconds == pytest.approx(0.1)
    assert found.saved == pytest.approx(1 - sum(found.synaptic.values()) / (18 * 2 * STEPS))
    assert 0.5 < found.saved < 1


def test_energy() -> None:
    made = circuit()
    found = operations(made, run(made))
    spikes, updates, dense = (sum(part.values()) for part in (found.synaptic, found.updates, found.dense))
    energy = found.energy()
    assert energy["synaptic"] == pytest.approx(0.9e-12 * spikes)
    assert energy["updates"] == pytest.approx(4.6e-12 * updates)
    assert energy["total"] == pytest.approx(energy["synaptic"] + energy["updates"])
    assert energy["dense"] == pytest.approx(4.6e-12 * dense)
    assert found.energy("loihi")["synaptic"] == pytest.approx(23.6e-12 * spikes)
    assert np.isnan(found.energy("loihi")["dense"])
    assert found.energy(Hardware("mine", 1.0, 0.0))["total"] == spikes
    for machine in HARDWARE.values():
        assert machine.source
    with pytest.raises(AnalysisError, match="Did you mean 'loihi'"):
        found.energy("loihy")


def test_table() -> None:
    made = circuit()
    found = operations(made, run(made))
    table = found.table()
    assert list(table.index) == ["in_to_cells", "cells_to_read", "cells", "read"]
    assert table.loc["in_to_cells", "synaptic"] == found.synaptic["in_to_cells"]
    assert table["updates"].sum() == 5 * 2 * STEPS


def test_graded_projections_multiply_in_every_step() -> None:
    made = ns.Circuit("graded", dt=1 * ms)
    cell = ns.NeuronModel("dv/dt = (drive - v)/tau : 1\ndrive : 1", parameters={"tau": 10 * ms}, initial={"v": 1.0})
    made.population("cells", 3, cell)
    synapse = ns.SynapseModel("drive_post = w*v_pre : 1 (summed)")
    made.connect("cells", "cells", ns.AllToAll(autapses=False), synapse=synapse, weight=0.1)
    found = operations(made, ns.simulate(made, 20 * ms, backend="brian2", record={"cells": "v"}))
    assert found.multiply_accumulate == {"cells_to_cells": 6.0 * 20}
    assert found.saved == pytest.approx(1 - 6 / 9)
    with pytest.raises(AnalysisError, match="'loihi' has no cost of multiply_accumulate"):
        found.energy("loihi")


def test_learning_counts_spikes_of_both_sides() -> None:
    made = ns.Circuit("plastic", dt=1 * ms)
    made.source("in", ns.SpikeSource(2))
    made.population("cells", 2, ns.models.lif(tau_mem=10 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0))
    rule = ns.SynapseModel(on_pre="v_post += w", on_post="w += 0.01")
    made.connect("in", "cells", ns.AllToAll(), synapse=rule, weight=0.0)
    made.connect("in", "cells", ns.OneToOne(), receptor="v", weight=1.5, name="strong")
    spikes = SpikeTrains([0.005, 0.010, 0.020], [0, 1, 0], n=2)
    recording = ns.simulate(
        made, 40 * ms, backend="brian2", inputs={"in": spikes}, record={"in": "spikes", "cells": "spikes"}
    )
    fired = len(recording.spikes["cells"])
    assert fired >= 3
    found = operations(made, recording)
    assert found.synaptic == {"in_to_cells": 6.0, "strong": 3.0}  # a weight of 0 that may change acts
    assert found.learning == {"in_to_cells": 6.0 + 2 * fired}
    assert found.energy("loihi")["learning"] == pytest.approx((6 + 2 * fired) * 120e-12)


def test_poisson_inputs_are_expected() -> None:
    made = ns.Circuit("driven", dt=1 * ms)
    cells = made.population("cells", 5, ns.models.lif(tau_mem=10 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0))
    made.poisson("background", cells[:3], receptor="v", count=20, rate=8 * Hz, weight=0.1)
    found = operations(made, ns.simulate(made, 0.1 * second, backend="brian2", record={"cells": "spikes"}))
    assert found.synaptic == {"background": pytest.approx(3 * 20 * 8 * 0.1)}
    assert np.isnan(found.saved)


def test_what_was_measured_elsewhere() -> None:
    """A recording that is of no run: its support says how long it was."""
    made = circuit()
    spikes = {"in": SpikeTrains([0.01], [0], 4, duration=0.05), "cells": SpikeTrains([], [], 3, duration=0.05)}
    found = operations(made, Recording(spikes))
    assert found.synaptic == {"in_to_cells": 2.0, "cells_to_read": 0.0}
    assert found.updates["cells"] == 3 * 50


@pytest.mark.parametrize(
    ("spikes", "metadata", "message"),
    [
        ({"in": SpikeTrains([0.01], [0], 4, duration=0.05)}, {}, "no spikes of 'cells'"),
        ({"in": SpikeTrains([0.01], [0], 4)}, {}, "how long it was"),
        ({"in": SpikeTrains([0.01], [0], 5, duration=0.05)}, {}, "4 neurons, its spikes are of 5"),
        ({}, {"circuit_digest": "0"}, "another circuit"),
    ],
)
def test_what_cannot_be_counted(spikes: Any, metadata: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        operations(circuit(), Recording(spikes, metadata=metadata))


def test_a_changed_circuit_is_another() -> None:
    made = circuit()
    recording = run(made)
    with pytest.raises(AnalysisError, match="another circuit"):
        operations(made.replace({"cells.tau_mem": 5 * ms}), recording)
