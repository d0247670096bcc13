import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import TrainingError, UnsupportedError
from neurosim.fitting.copies import Copies
from neurosim.fitting.evolution import Space
from neurosim.fitting.values import FreeNumbers
from neurosim.units import Mohm, ms, mV, nA, pA


def network() -> ns.Circuit:
    circuit = ns.Circuit("net", dt=0.5 * ms, seed=3)
    cell = ns.models.lif(
        tau_mem=ns.Trainable(15 * ms, bounds=(5 * ms, 100 * ms)), r=100 * Mohm, v_threshold=-50 * mV,
        v_reset=-60 * mV, v_leak=-60 * mV, receptors={"ampa": 5 * ms},
    )  # fmt: skip
    circuit.source("in", ns.SpikeSource(3))
    circuit.population("a", 4, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    circuit.population("b", 2, cell, parameters={"v_threshold": ns.Normal(-50 * mV, 1 * mV)})
    weight = ns.Trainable(ns.Uniform(0.2 * nA, 1.0 * nA), sign=1, per="pre", bounds=(None, 5 * nA))
    circuit.connect("in", "a", ns.AllToAll(), receptor="ampa", weight=0.5 * nA, delay=ns.Uniform(1 * ms, 4 * ms))
    circuit.connect("a", "b", ns.FixedProbability(0.6), receptor="ampa", weight=weight, delay=1 * ms)
    circuit.inject("drive", circuit.populations["a"][1:3], "i_ext", ns.Step(110 * pA))
    return circuit


def test_each_copy_is_the_circuit_with_its_values() -> None:
    circuit = network()
    numbers = FreeNumbers.of(circuit)
    copies = Copies.of(circuit, 3)
    rng = np.random.default_rng(1)
    candidates = numbers.initial() * rng.uniform(0.5, 2.0, (3, numbers.size))
    units = {one.address: one.unit for one in numbers.addresses}
    wide = copies.with_values(numbers.spread(candidates), units)
    fed = (rng.random((400, 2, 3)) < 0.04).astype(float)
    together = ns.simulate(wide, 200 * ms, backend="snntorch", trials=2, inputs={"in": copies.fed(fed)})
    for copy, values in enumerate(candidates):
        alone = ns.simulate(
            numbers.in_circuit(circuit, values), 200 * ms, backend="snntorch", trials=2, inputs={"in": fed}
        )
        for name, n in (("a", 4), ("b", 2)):
            mine = together.spikes[name].select(neurons=np.arange(copy * n, (copy + 1) * n))
            assert len(mine) > 0
            assert mine == alone.spikes[name]


def test_free_numbers() -> None:
    numbers = FreeNumbers.of(network())
    sizes = {one.address: np.unique(one.place).size for one in numbers.addresses}
    assert sizes == {"a.tau_mem": 1, "b.tau_mem": 1, "a_to_b.weight": 4}
    low, high = numbers.limits()
    assert low[-4:].tolist() == [0.0] * 4
    np.testing.assert_allclose(high[-4:], 5e-9)
    values = numbers.initial()
    np.testing.assert_array_equal(numbers.spread(values)["a_to_b.weight"], network().edges("a_to_b").weight)
    changed = numbers.in_circuit(network(), 2 * values)
    np.testing.assert_array_equal(changed.edges("a_to_b").weight, 2 * network().edges("a_to_b").weight)
    assert numbers.outcome(changed)[0].fitted == 2 * numbers.outcome(changed)[0].initial


def test_the_cube_and_back() -> None:
    space = Space.of(FreeNumbers.of(network()))
    assert space.logarithmic.tolist() == [True, True, False, False, False, False]  # a decade and more, above 0
    places = np.random.default_rng(2).random((5, 6))
    np.testing.assert_allclose(space.inward(space.outward(places)), places, atol=1e-12)
    assert space.outward(np.full(6, 0.5))[0] == pytest.approx(np.sqrt(5e-3 * 100e-3))
    assert space.inward(np.full(6, 1.0)).tolist() == [1.0] * 6  # beyond a limit is at the limit


def test_limits_in_the_wrong_order_are_refused() -> None:
    circuit = network().replace({"a.tau_mem": ns.Trainable(15 * ms, bounds=(15 * ms, 15 * ms))})
    with pytest.raises(TrainingError, match=r"nothing between the limits of a\.tau_mem"):
        Space.of(FreeNumbers.of(circuit))


def test_an_initial_value_cannot_be_fitted() -> None:
    circuit = network().replace({"a.v": ns.Trainable(-55 * mV, bounds=(-60 * mV, -50 * mV))})
    with pytest.raises(UnsupportedError, match=r"a\.v is trainable"):
        FreeNumbers.of(circuit)
