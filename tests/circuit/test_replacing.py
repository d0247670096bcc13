"""Circuits with some values replaced: checked as when they were given, and nothing else changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import neurosim.circuit as nc
from circuit.small import CELL, GAP, small
from circuit.strategies import circuits
from neurosim.circuit.replacing import addresses
from neurosim.errors import CircuitError, EquationError, NeurosimError, UnitError
from neurosim.units import ms, mV, nS, pA


def made(**options: Any) -> nc.Circuit:
    circuit = small(**options)
    circuit.connect("exc", "inh", nc.FixedProbability(0.5), receptor="exc", weight=nc.Normal(1 * mV, 0.1 * mV),
                    delay=nc.Uniform(0 * ms, 2 * ms))  # fmt: skip
    scaled = nc.SynapseModel(on_pre="ampa_post += w*q", parameters={"q": 2.0})
    circuit.connect("inh", circuit.populations["exc"][:5], nc.AllToAll(), synapse=scaled, weight=np.arange(20.0) * mV,
                    delay=0.5 * ms, name="back")  # fmt: skip
    constant = nc.SynapseModel(on_pre="ampa_post += 1*mV", name="constant")
    circuit.connect("input", "exc", nc.AllToAll(), synapse=constant, name="constant")
    circuit.connect("slow", "slow", nc.AllToAll(), synapse=GAP, weight=1 * nS, name="gap")
    circuit.inject("stimulus", "exc", "i_ext", nc.Step(1 * pA))
    return circuit


def test_every_kind_of_address() -> None:
    assert addresses(made()) == (
        "dt", "seed",
        *(f"{name}.{value}" for name in ("exc", "inh")
          for value in ("tau", "tau_ampa", "r", "v_leak", "v_threshold", "v", "ampa", "i_ext", "i_syn")),
        "slow.v", "slow.i_syn",
        "exc_to_inh.weight", "exc_to_inh.delay", "back.weight", "back.delay", "back.q", "constant.delay", "gap.weight",
    )  # fmt: skip


def test_parameters_of_a_population() -> None:
    circuit = made()
    changed = circuit.replace(
        {"exc.tau": 10 * ms, "inh.v_leak": nc.Normal(-60 * mV, 1 * mV), "exc.r": [1] * 10 * mV / pA}
    )
    assert changed.parameter("exc", "tau") == 0.01
    assert len(np.unique(changed.parameter("inh", "v_leak"))) == 4
    assert isinstance(changed.parameter("exc", "r"), np.ndarray)
    assert changed.parameter("inh", "tau") == 0.02
    assert changed.populations["exc"].model is CELL


def test_initial_values() -> None:
    changed = made().replace(
        {"exc.v": -55 * mV, "exc.ampa": np.arange(10) * mV, "inh.v": "v_leak + 1*mV", "exc.i_syn": 2 * pA}
    )
    np.testing.assert_allclose(changed.initial("exc", "v"), [-0.055] * 10)
    np.testing.assert_allclose(changed.initial("exc", "ampa"), np.arange(10) * 1e-3)
    np.testing.assert_allclose(changed.initial("inh", "v"), [-0.059] * 4)
    np.testing.assert_allclose(changed.initial("exc", "i_syn"), [2e-12] * 10)
    np.testing.assert_allclose(made().initial("exc", "v"), [-0.06] * 10)


def test_a_declared_variable_with_a_parameter_stays_a_parameter() -> None:
    circuit = nc.Circuit("c", dt=1 * ms)
    circuit.population("p", 2, nc.NeuronModel("dv/dt = -v/tau : 1\ntau : second"), parameters={"tau": 5 * ms})
    changed = circuit.replace({"p.tau": [1, 2] * ms})
    assert changed.populations["p"].parameters.keys() == {"tau"}
    assert not changed.populations["p"].initial


@pytest.mark.parametrize("address", ["back.weight", "back.w"])
def test_weights(address: str) -> None:
    changed = made().replace({address: np.ones(20) * mV})
    np.testing.assert_array_equal(changed.edges("back").weight, np.full(20, 0.001))
    assert changed.edges("back").pre.tolist() == made().edges("back").pre.tolist()


def test_delays_and_synapse_parameters() -> None:
    changed = made().replace({"back.delay": [0.1, 0.2] * 10 * ms, "back.q": np.arange(20.0), "constant.delay": 1 * ms})
    np.testing.assert_allclose(changed.edges("back").delay, np.tile([1e-4, 2e-4], 10))
    np.testing.assert_array_equal(changed.edge_parameter("back", "q"), np.arange(20.0))
    assert changed.projections["constant"].delay == 0.001


def test_the_original_stays_and_what_is_not_named_stays() -> None:
    circuit, again = made(), made()
    edges = circuit.edges("exc_to_inh")
    changed = circuit.replace({"exc.tau": 10 * ms, "back.weight": 1 * mV, "exc.v": nc.Uniform(-60 * mV, -50 * mV)})
    assert circuit == again
    assert changed != circuit
    assert changed.edges("exc_to_inh") is edges  # untouched, so not even drawn again
    assert changed.edges("back") is not circuit.edges("back")
    assert list(changed.parts) == list(circuit.parts)
    for name in ("inh", "slow", "input", "exc_to_inh", "constant", "gap", "stimulus"):
        assert changed.parts[name] is circuit.parts[name]


def test_untouched_edges_are_the_same_if_they_are_drawn_after() -> None:
    changed = made().replace({"back.weight": 1 * mV, "exc.tau": 1 * ms})
    for one, other in zip(changed.edges("exc_to_inh"), made().edges("exc_to_inh"), strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(changed.edges("back")[:2], made().edges("back")[:2], strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_new_weight_keeps_edges_and_delays() -> None:
    changed = made().replace({"exc_to_inh.weight": 2 * mV})
    new, old = changed.edges("exc_to_inh"), made().edges("exc_to_inh")
    np.testing.assert_array_equal(new.pre, old.pre)
    np.testing.assert_array_equal(new.delay, old.delay)
    assert set(new.weight) == {0.002}


@settings(max_examples=25)
@given(circuits())
def test_replacing_values_by_themselves_changes_nothing(circuit: nc.Circuit) -> None:
    same: dict[str, Any] = {"dt": circuit.dt * 1000 * ms, "seed": circuit.seed, "cell.tau": nc.Trainable()}
    changed = circuit.replace(same)
    back = changed.replace({"cell.tau": nc.Trainable(bounds=None)})
    assert back == changed
    for name in circuit.projections:
        for one, other in zip(circuit.edges(name), changed.edges(name), strict=True):
            np.testing.assert_array_equal(one, other)


# -- trainable -------------------------------------------------------------------------------------------------------


def test_a_plain_value_keeps_the_mark() -> None:
    mark = nc.Trainable(1 * mV, bounds=(0 * mV, 8 * mV), sign=1, tie="a")
    circuit = made().replace(
        {"exc_to_inh.weight": mark, "exc.tau": nc.Trainable(5 * ms), "exc.v": nc.Trainable(-60 * mV)}
    )
    stored = nc.Trainable(0.001, bounds=(0.0, 0.008), sign=1, tie="a")
    assert circuit.trainables()["exc_to_inh.weight"] == stored
    changed = circuit.replace(
        {"exc_to_inh.weight": 2 * mV, "exc.tau": np.arange(1, 11) * ms, "exc.v": nc.Uniform(0 * mV, 1 * mV)}
    )
    assert changed.trainables()["exc_to_inh.weight"] == stored.with_initial(0.002)
    assert changed.trainables()["exc.tau"] == nc.Trainable(np.arange(1, 11) * 1e-3)
    assert changed.trainables()["exc.v"] == nc.Trainable(nc.Uniform(0 * mV, 1 * mV))


def test_a_mark_without_a_value_keeps_the_value() -> None:
    changed = made().replace({
        "exc_to_inh.weight": nc.Trainable(sign=1), "back.delay": nc.Trainable(bounds=(0 * ms, 1 * ms)),
        "back.q": nc.Trainable(), "exc.tau": nc.Trainable(per="neuron"), "exc.ampa": nc.Trainable(),
    })  # fmt: skip
    assert changed.trainables() == {
        "exc.tau": nc.Trainable(0.02, per="neuron"),
        "exc.ampa": nc.Trainable(0.0),
        "exc_to_inh.weight": nc.Trainable(nc.Normal(1 * mV, 0.1 * mV), sign=1),
        "back.delay": nc.Trainable(0.0005, bounds=(0.0, 0.001)),
        "back.q": nc.Trainable(2.0),
    }


def test_a_new_mark_replaces_the_old_one() -> None:
    first = made().replace({"back.weight": nc.Trainable(1 * mV, sign=1)})
    assert first.replace({"back.weight": nc.Trainable(2 * mV)}).trainables() == {"back.weight": nc.Trainable(0.002)}
    assert first.replace({"back.weight": nc.Trainable(tie="a")}).trainables() == {
        "back.weight": nc.Trainable(0.001, tie="a")
    }


def test_expressions_are_not_trained() -> None:
    with pytest.raises(CircuitError, match=r"'exc.v' is the expression 'v_leak'; give the Trainable an initial value"):
        made().replace({"exc.v": nc.Trainable()})
    trained = made().replace({"exc.v": nc.Trainable(-60 * mV)})
    with pytest.raises(
        CircuitError, match=r"'exc.v' is trainable; it can become a number, not the expression 'v_leak'"
    ):
        trained.replace({"exc.v": "v_leak"})


# -- dt and seed -----------------------------------------------------------------------------------------------------


def test_dt() -> None:
    circuit = made()
    before = circuit.edges("exc_to_inh")
    changed = circuit.replace({"dt": 0.25 * ms})
    assert (changed.dt, circuit.dt) == (0.00025, 0.0001)
    edges = changed.edges("exc_to_inh")
    np.testing.assert_array_equal(edges.delay, np.round(edges.delay / 0.00025) * 0.00025)
    np.testing.assert_array_equal(edges.weight, before.weight)
    np.testing.assert_array_equal(edges.pre, before.pre)


def test_a_new_dt_checks_the_delays_that_were_given() -> None:
    with pytest.raises(CircuitError, match=r"projection 'back': the delay 0\.0005 s is no multiple of dt = 0.0003 s"):
        made().replace({"dt": 0.3 * ms})
    assert made(round_delays=True).replace({"dt": 0.3 * ms}).edges("back").delay[0] == pytest.approx(0.0006)
    assert made().replace({"dt": 0.3 * ms, "back.delay": 0.6 * ms}).projections["back"].delay == 0.0006


def test_a_new_dt_keeps_what_was_learned_in_whole_steps_or_is_refused() -> None:
    circuit = nc.Circuit("learned", dt=10 * ms)
    circuit.source("in", nc.SpikeSource(3))
    circuit.population("out", 1, nc.NeuronModel("x : 1"))
    mark = nc.Trainable(np.array([8.0, 20.0, 41.0]) * ms, bounds=(0 * ms, 50 * ms))
    circuit.connect("in", "out", nc.AllToAll(), receptor="x", weight=1.0, delay=mark)
    assert circuit.edges("in_to_out").steps.tolist() == [1, 2, 4]
    assert circuit.replace({"dt": 5 * ms}).edges("in_to_out").steps.tolist() == [2, 4, 8]
    assert circuit.replace({"dt": 5 * ms}).trainables()["in_to_out.delay"].bounds == (0, 0.05)
    with pytest.raises(CircuitError, match=r"'in_to_out', learned at dt = 0.01 s: the delay 0\.01 s is no multiple"):
        circuit.replace({"dt": 20 * ms})
    assert circuit.replace({"dt": 20 * ms, "in_to_out.delay": 20 * ms}).edges("in_to_out").steps.tolist() == [1] * 3
    circuit.round_delays = True
    assert circuit.replace({"dt": 20 * ms}).edges("in_to_out").steps.tolist() == [0, 1, 2]


def test_seed() -> None:
    changed = made().replace({"seed": 6})
    assert changed == made(seed=6)
    assert changed.edges("exc_to_inh").pre.tolist() != made().edges("exc_to_inh").pre.tolist()


def test_a_new_seed_checks_the_arrays_of_drawn_edges() -> None:
    circuit = small()
    count = len(made().edges("exc_to_inh").pre)
    circuit.connect("exc", "inh", nc.FixedProbability(0.5), receptor="exc", weight=np.ones(count) * mV)
    with pytest.raises(CircuitError, match="weight has shape"):
        circuit.replace({"seed": 6})


# -- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "error", "match"),
    [
        ({"exd.tau": 1 * ms}, CircuitError, r"circuit 'small' has no 'exd\.tau'\. Did you mean 'exc\.tau'\?"),
        ({"exc": 1 * ms}, CircuitError, "population 'exc' has no value ''"),
        ({"exc.tua": 1 * ms}, CircuitError, r"population 'exc' has no value 'tua'\. Did you mean 'tau'\? Known: ampa"),
        ({"exc.drive": 1 * mV}, CircuitError, "population 'exc' has no value 'drive'"),
        ({"exc.weight": 1 * mV}, CircuitError, "population 'exc' has no value 'weight'"),
        ({"input.n": 3}, CircuitError, "population 'input' has no value 'n'"),
        ({"stimulus.amplitude": 3}, CircuitError, "has no 'stimulus.amplitude'"),
        ({"back.weigth": 1 * mV}, CircuitError, r"projection 'back' has no value 'weigth'\. Did you mean 'weight'"),
        ({"constant.weight": 1}, CircuitError, "projection 'constant' has no value 'weight'"),
        ({"constant.w": 1}, CircuitError, "projection 'constant' has no value 'weight'"),
        ({"gap.delay": 1 * ms}, CircuitError, "projection 'gap' has no value 'delay'"),
        ({"exc.dt": 1 * ms}, CircuitError, "population 'exc' has no value 'dt'"),
        ({"back.w": 1 * mV, "back.weight": 1 * mV}, CircuitError, r"'back\.weight' is given twice"),
        (
            {"exc.tau": 10},
            UnitError,
            r"population 'exc': parameter 'tau' needs a unit .*Write 10\*msecond or 10\*second",
        ),
        ({"exc.tau": 10 * mV}, UnitError, "must be in second"),
        ({"exc.tau": [1, 2] * ms}, CircuitError, r"population 'exc': 'tau' has shape \(2,\)"),
        ({"exc.tau": np.nan * ms}, CircuitError, "holds NaN"),
        ({"exc.tau": nc.Trainable(per="pre")}, CircuitError, "per='pre' has no meaning here"),
        ({"exc.v": "tau"}, UnitError, "initial v = 'tau' must be in volt"),
        ({"exc.v": "v + 1*mV"}, CircuitError, "depends on itself"),
        ({"exc.v": "v_leak.real"}, EquationError, "attribute access"),
        ({"back.weight": 3}, UnitError, "projection 'back': weight needs a unit"),
        ({"back.weight": np.ones(19) * mV}, CircuitError, r"weight has shape \(19,\)"),
        ({"back.delay": 0.15 * ms}, CircuitError, "no multiple of dt"),
        ({"back.delay": -1 * ms}, CircuitError, "not negative"),
        ({"back.delay": 3}, UnitError, "delay needs a unit"),
        ({"back.q": 3 * ms}, UnitError, "parameter 'q' must be a plain number"),
        ({"back.q": np.ones(3)}, CircuitError, r"'q' has shape \(3,\)"),
        ({"dt": 3}, UnitError, "dt needs a unit"),
        ({"dt": 0 * ms}, CircuitError, "dt must be positive"),
        ({"seed": -1}, CircuitError, "seed must be a whole number"),
    ],
)
def test_refused(values: dict[str, Any], error: type[Exception], match: str) -> None:
    circuit = made()
    with pytest.raises(error, match=match) as caught:
        circuit.replace(values)
    assert isinstance(caught.value, NeurosimError)
    assert circuit == made()
