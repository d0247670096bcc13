"""A circuit as it is built: parts, names, units, defaults, equality."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import neurosim.circuit as nc
from circuit.small import CELL, GAP, small
from circuit.strategies import circuits
from neurosim.errors import CircuitError, UnitError
from neurosim.units import Hz, ms, mV, nS, pA, second


def test_dt_and_seed() -> None:
    circuit = nc.Circuit("c", dt=0.1 * ms, seed=np.int64(3))
    assert (circuit.name, circuit.dt, circuit.seed, circuit.round_delays) == ("c", 1e-4, 3, False)
    assert type(circuit.seed) is int


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"name": "", "dt": 1 * ms}, CircuitError, "a circuit needs a name"),
        ({"name": 3, "dt": 1 * ms}, CircuitError, "a circuit needs a name, got 3"),
        (
            {"name": "c", "dt": 0.1},
            UnitError,
            r"dt needs a unit \(second\), got the plain number 0.1. Write 0.1\*msecond",
        ),
        ({"name": "c", "dt": 3 * mV}, UnitError, "dt must be in second"),
        ({"name": "c", "dt": 0 * ms}, CircuitError, "dt must be positive"),
        ({"name": "c", "dt": -1 * ms}, CircuitError, "dt must be positive"),
        ({"name": "c", "dt": 1 * ms, "seed": 1.5}, CircuitError, "seed must be a whole number from 0 to .* got 1.5"),
        ({"name": "c", "dt": 1 * ms, "seed": True}, CircuitError, "seed must be a whole number"),
        ({"name": "c", "dt": 1 * ms, "seed": -1}, CircuitError, "seed must be a whole number"),
        ({"name": "c", "dt": 1 * ms, "seed": 2**64}, CircuitError, "seed must be a whole number"),
    ],
)
def test_circuits_that_cannot_be(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        nc.Circuit(**arguments)


def test_parts_by_name() -> None:
    circuit = small()
    projection = circuit.connect("exc", "inh", nc.AllToAll(), receptor="exc", weight=1 * mV)
    injection = circuit.inject("stimulus", "exc", "i_ext")
    assert list(circuit.parts) == ["exc", "inh", "slow", "input", "signal", "exc_to_inh", "stimulus"]
    assert list(circuit.populations) == ["exc", "inh", "slow", "input", "signal"]
    assert circuit.projections == {"exc_to_inh": projection}
    assert circuit.injections == {"stimulus": injection}
    assert circuit["exc_to_inh"] is projection
    assert "stimulus" in circuit
    assert "missing" not in circuit
    with pytest.raises(CircuitError, match=r"circuit 'small' has no 'exq'\. Did you mean 'exc'\?"):
        circuit["exq"]


def test_populations_take_values_of_every_kind() -> None:
    circuit = nc.Circuit("c", dt=1 * ms)
    part = circuit.population(
        "p",
        3,
        CELL,
        parameters={"tau": [1, 2, 3] * ms, "r": nc.Trainable(), "i_syn": 3 * pA},
        initial={"v": nc.Uniform(-60 * mV, -50 * mV), "ampa": "v_leak + 61*mV"},
        labels=("x", "y", "z"),
    )
    assert part.shape == (3,)
    assert part.parameters["r"].value == nc.Trainable(1e8)  # the model's own value, marked
    assert part.parameters["i_syn"].unit == "amp"
    assert part.initial["ampa"] == "v_leak + 61*mV"
    assert part.labels == ("x", "y", "z")
    assert circuit["p"] is part


def test_a_mark_on_an_initial_value_keeps_the_models() -> None:
    circuit = nc.Circuit("c", dt=1 * ms)
    part = circuit.population("p", 3, CELL, initial={"ampa": nc.Trainable(bounds=(0 * mV, None))})
    assert part.initial["ampa"] == nc.Trainable(0.0, bounds=(0.0, None))
    with pytest.raises(CircuitError, match="initial 'v' is Trainable without an initial value"):
        circuit.population("q", 3, CELL, initial={"v": nc.Trainable()})  # the model gives an expression


# -- connect ---------------------------------------------------------------------------------------------------------


def test_a_receptor_is_a_pulse_from_what_spikes() -> None:
    circuit = small()
    projection = circuit.connect("exc", "inh", nc.AllToAll(), receptor="exc", weight=1 * mV, delay=2 * ms)
    assert projection.synapse == nc.SynapseModel(on_pre="ampa_post += w", name="exc")
    assert (projection.weight, projection.weight_unit, projection.delay) == (0.001, "volt", 0.002)
    assert not projection.graded
    direct = circuit.connect("input", "inh", nc.AllToAll(), receptor="v", weight=1 * mV)
    assert direct.synapse.on_pre == "v_post += w"
    assert direct.delay == 0.0


def test_a_receptor_is_graded_from_what_does_not_spike() -> None:
    circuit = small()
    projection = circuit.connect("slow", "exc", nc.AllToAll(), receptor="i_syn", weight=3 * nS)
    assert projection.synapse.equations == "i_syn_post = w*v_pre : amp (summed)"
    assert (projection.graded, projection.weight_unit) == (True, "siemens")
    scaled = circuit.connect("signal", "exc", nc.AllToAll(), receptor="i_ext", weight=3 * pA)
    assert scaled.weight_unit == "amp"
    current = circuit.source("current", nc.SignalSource(2, pA))
    assert circuit.connect(current, "exc", nc.AllToAll(), receptor="i_ext", weight=2, name="one").weight_unit == "1"


def test_a_synapse_of_ones_own() -> None:
    circuit = small()
    pulse = nc.SynapseModel(on_pre="ampa_post += w*q*(1 + ampa_post/(1*mV))", parameters={"q": 2.0})
    scaled = circuit.connect(
        "exc", "inh", nc.AllToAll(), synapse=pulse, weight=1 * mV, parameters={"q": np.arange(40.0)}
    )
    assert scaled.weight_unit == "volt"
    constant = nc.SynapseModel(on_pre="ampa_post += 1*mV")
    assert circuit.connect("inh", "exc", nc.AllToAll(), synapse=constant).weight == 1.0
    gap = circuit.connect("slow", "slow", nc.AllToAll(), synapse=GAP, weight=1 * nS)
    assert gap.graded


def test_ends_may_be_names_populations_or_views() -> None:
    circuit = small()
    exc = circuit.populations["exc"]
    assert circuit.connect(exc, exc[:3], nc.AllToAll(), receptor="exc", weight=1 * mV).post_indices == (0, 1, 2)
    whole = circuit.connect(exc[:], "exc", nc.AllToAll(autapses=False), receptor="exc", weight=1 * mV, name="whole")
    assert (whole.pre_indices, whole.post_indices) == (None, None)


def test_a_second_projection_between_the_same_needs_a_name() -> None:
    circuit = small()
    for name in (None, "second"):
        circuit.connect("exc", "inh", nc.AllToAll(), receptor="exc", weight=1 * mV, name=name)
    assert list(circuit.projections) == ["exc_to_inh", "second"]


@pytest.mark.parametrize("delay", [None, 0, 0.0, 0 * ms])
def test_no_delay(delay: Any) -> None:
    assert small().connect("exc", "inh", nc.AllToAll(), receptor="exc", weight=1 * mV, delay=delay).delay == 0.0


def test_injections() -> None:
    circuit = small()
    injection = circuit.inject("stimulus", circuit.populations["exc"][2:5], "i_ext", nc.Step(3 * pA, start=1 * second))
    assert (injection.population, injection.variable, injection.indices, injection.unit) == (
        "exc",
        "i_ext",
        (2, 3, 4),
        "amp",
    )
    assert circuit.inject("other", "inh", "i_syn").indices == (0, 1, 2, 3)


# -- as a value ------------------------------------------------------------------------------------------------------


def test_equal_by_value() -> None:
    assert small() == small()
    for other in (small(seed=6), small(round_delays=True), nc.Circuit("small", dt=0.1 * ms, seed=5), "small"):
        assert small() != other
    renamed, slower = (nc.Circuit(name, dt=dt) for name, dt in (("a", 1 * ms), ("b", 2 * ms)))
    assert renamed != nc.Circuit("b", dt=1 * ms)
    assert slower != nc.Circuit("b", dt=1 * ms)


def test_order_counts() -> None:
    first, second_circuit = nc.Circuit("c", dt=1 * ms), nc.Circuit("c", dt=1 * ms)
    for circuit, names in ((first, "ab"), (second_circuit, "ba")):
        for name in names:
            circuit.population(name, 2, CELL)
    assert first != second_circuit


def test_a_circuit_cannot_be_a_key() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(small())


def test_copies_do_not_share_what_is_added_later() -> None:
    circuit = small()
    copied = copy.deepcopy(circuit)
    assert copied == circuit
    copied.population("more", 2, CELL)
    assert "more" not in circuit
    assert circuit == small()


def test_repr_fits_a_line() -> None:
    assert repr(small()) == (
        "<Circuit 'small', dt 0.0001 s, seed 5: exc (10), inh (4), slow (3), input (6), signal (3)>"
    )
    assert repr(nc.Circuit("c", dt=1 * ms)) == "<Circuit 'c', dt 0.001 s, seed 0: empty>"


@settings(max_examples=30)
@given(circuits())
def test_random_circuits_equal_themselves(circuit: nc.Circuit) -> None:
    assert circuit == circuit
    assert circuit.replace({}) == circuit
    assert circuit != circuit.replace({"seed": (circuit.seed + 1) % 2**64})


def test_rates_are_no_times() -> None:
    with pytest.raises(UnitError, match=r"dt must be in second, got 8\. Hz"):
        nc.Circuit("c", dt=8 * Hz)
