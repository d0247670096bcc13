"""Edges, weights, delays, parameters and initial values as drawn from the seed."""

from __future__ import annotations

import logging
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neurosim.circuit as nc
from circuit.small import CELL, GAP, small
from neurosim.circuit import realised_edges
from neurosim.circuit.edge_values import delay_steps
from neurosim.errors import CircuitError
from neurosim.random import Stream
from neurosim.units import ms, mV, nS, pA


def connected(pre: Any = "exc", post: Any = "inh", rule: nc.Connectivity | None = None, **options: Any) -> nc.Circuit:
    circuit = small(**{key: options.pop(key) for key in ("seed", "round_delays") if key in options})
    given_options = {"receptor": "exc", "weight": 1 * mV, "name": "p", **options}
    circuit.connect(pre, post, rule or nc.AllToAll(), **given_options)
    return circuit


# -- edges -----------------------------------------------------------------------------------------------------------


def test_edges_are_columns_of_one_length() -> None:
    edges = connected(weight=2 * mV, delay=0.3 * ms).edges("p")
    assert edges.pre.tolist() == np.repeat(np.arange(10), 4).tolist()
    assert edges.post.tolist() == np.tile(np.arange(4), 10).tolist()
    assert (edges.pre.dtype, edges.post.dtype, edges.steps.dtype) == (np.int32, np.int32, np.int32)
    np.testing.assert_array_equal(edges.weight, np.full(40, 0.002))
    np.testing.assert_array_equal(edges.delay, np.full(40, 3 * 1e-4))


def test_edges_are_realised_once_and_cannot_be_changed() -> None:
    circuit = connected()
    assert circuit.edges("p") is circuit.edges(circuit.projections["p"])
    for column in circuit.edges("p"):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 3


def test_views_become_indices_of_the_whole_population() -> None:
    edges = connected(nc.View("exc", (7, 2)), nc.View("inh", (3, 1)), nc.OneToOne()).edges("p")
    assert (edges.pre.tolist(), edges.post.tolist()) == ([7, 2], [3, 1])
    listed = connected(nc.View("exc", (7, 2)), "inh", nc.Edges([1, 0, 1], [3, 0, 3])).edges("p")
    assert (listed.pre.tolist(), listed.post.tolist()) == ([2, 7, 2], [3, 0, 3])


def test_autapses_are_left_out_only_within_the_same_neurons() -> None:
    within = connected("inh", "inh", nc.AllToAll(autapses=False)).edges("p")
    assert len(within.pre) == 12
    assert not np.any(within.pre == within.post)
    view = nc.View("exc", (5, 6))
    assert list(zip(*connected(view, view, nc.AllToAll(autapses=False)).edges("p")[:2], strict=True)) == [
        (5, 6),
        (6, 5),
    ]
    apart = connected(nc.View("exc", (0, 1)), nc.View("exc", (2, 3)), nc.AllToAll(autapses=False))
    assert len(apart.edges("p").pre) == 4
    assert len(connected("exc", "inh", nc.AllToAll(autapses=False)).edges("p").pre) == 40


def test_weights_in_edge_order() -> None:
    edges = connected(rule=nc.Edges([3, 1, 3], [0, 1, 0]), weight=[1, 2, 3] * mV).edges("p")
    np.testing.assert_allclose(edges.weight, [0.001, 0.002, 0.003])


def test_drawn_weights() -> None:
    edges = connected(weight=nc.Normal(5 * mV, 1 * mV)).edges("p")
    np.testing.assert_array_equal(edges.weight, nc.Normal(5 * mV, 1 * mV).draw(40, Stream(5, "p/weight")))


@pytest.mark.parametrize(("per", "groups"), [("pre", 10), ("post", 4), ("all", 1), ("edge", 40), (None, 40)])
def test_shared_values_are_drawn_once_for_what_shares_them(per: Any, groups: int) -> None:
    circuit = connected(weight=nc.Trainable(nc.Normal(5 * mV, 1 * mV), per=per), synapse=None)
    edges = circuit.edges("p")
    assert len(np.unique(edges.weight)) == groups
    if per in ("pre", "post"):
        for neuron in range(groups):
            assert len(np.unique(edges.weight[getattr(edges, per) == neuron])) == 1


def test_a_value_per_neuron_does_not_depend_on_the_view() -> None:
    mark = nc.Trainable(nc.Normal(5 * mV, 1 * mV), per="pre")
    whole, part = connected(weight=mark).edges("p"), connected(nc.View("exc", (7,)), weight=mark).edges("p")
    assert part.weight[0] == whole.weight[whole.pre == 7][0]


# -- delays ----------------------------------------------------------------------------------------------------------


def test_drawn_delays_land_on_the_grid() -> None:
    edges = connected(delay=nc.Uniform(1 * ms, 3 * ms)).edges("p")
    steps = np.round(edges.delay / 1e-4)
    np.testing.assert_array_equal(edges.delay, steps * 1e-4)
    drawn = nc.Uniform(1 * ms, 3 * ms).draw(40, Stream(5, "p/delay"))
    assert np.max(np.abs(edges.delay - drawn)) <= 0.5e-4 * (1 + 1e-9)
    assert len(np.unique(steps)) > 10


def test_given_delays_off_the_grid_are_rounded_if_asked_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    circuit = connected(
        nc.View("exc", (0, 1, 2)), nc.View("inh", (0,)), delay=[0.24, 0.25, 0.3] * ms, round_delays=True
    )
    with caplog.at_level(logging.WARNING):
        edges = circuit.edges("p")
    assert np.round(edges.delay / 1e-4).tolist() == [2, 3, 3]
    assert "projection 'p': delays rounded to multiples of dt = 0.0001 s, by up to 5e-05 s" in caplog.text


def test_delays_on_the_grid_are_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        connected(delay=[0.3, 0.7] * 20 * ms, round_delays=True).edges("p")
        connected(delay=nc.Uniform(0 * ms, 1 * ms)).edges("p")
        connected(delay=nc.Trainable(0.123 * ms)).edges("p")
    assert caplog.text == ""


def test_trained_delays_are_rounded() -> None:
    assert connected(delay=nc.Trainable(0.123 * ms)).edges("p").delay[0] == 1e-4


def test_drawn_delays_may_not_be_negative() -> None:
    circuit = connected(delay=nc.Normal(0.1 * ms, 1 * ms))
    with pytest.raises(CircuitError, match="projection 'p': delays must be finite and not negative"):
        circuit.edges("p")
    assert connected(delay=nc.Normal(0.1 * ms, 1 * ms, low=0 * ms)).edges("p").delay.min() == 0


@given(st.integers(0, 10**7), st.sampled_from([1e-3, 5e-4, 1e-4, 5e-5, 2.5e-5, 3e-4]))
def test_multiples_of_dt_are_on_the_grid(steps: int, dt: float) -> None:
    assert delay_steps(steps * dt, dt, rounding=False, where="") == steps
    assert delay_steps(np.array([steps * dt]), dt, rounding=False, where="").tolist() == [steps]


@given(st.floats(0, 1e4), st.sampled_from([1.0, 0.5, 0.25]))
def test_rounding_is_to_the_nearest_step_and_up_from_the_middle(delay: float, dt: float) -> None:
    steps = int(delay_steps(delay, dt, rounding=True, where=""))
    assert (steps - 0.5) * dt <= delay < (steps + 0.5) * dt or delay / dt + 0.5 == steps


@given(st.integers(0, 10**4), st.floats(1e-5, 0.99999))
def test_everything_between_is_off_the_grid(steps: int, fraction: float) -> None:
    with pytest.raises(CircuitError, match="no multiple of dt"):
        delay_steps((steps + fraction) * 0.5, 0.5, rounding=False, where="p")


# -- streams ---------------------------------------------------------------------------------------------------------


def everything(circuit: nc.Circuit) -> list[np.ndarray]:
    return [*circuit.edges("p"), circuit.initial("exc", "v")]


def drawn(before: int = 0, **options: Any) -> nc.Circuit:
    circuit = nc.Circuit("c", dt=0.1 * ms, **{"seed": 5, **options})
    for number in range(before):
        circuit.population(f"extra{number}", 3, CELL, initial={"v": nc.Uniform(-1 * mV, 1 * mV)})
        circuit.connect(f"extra{number}", f"extra{number}", nc.FixedProbability(0.5), receptor="exc", weight=1 * mV)
    circuit.population("exc", 10, CELL, initial={"v": nc.Uniform(-60 * mV, -50 * mV)})
    circuit.connect("exc", "exc", nc.FixedProbability(0.4), receptor="exc", weight=nc.Normal(0 * mV, 1 * mV),
                    delay=nc.Uniform(0 * ms, 9 * ms), name="p")  # fmt: skip
    return circuit


def test_other_parts_and_the_order_of_asking_change_nothing() -> None:
    first, second = drawn(), drawn(before=2)
    second.initial("exc", "v")
    second.edges("extra1_to_extra1")
    for one, other in zip(everything(first), everything(second), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_seed_changes_everything_drawn() -> None:
    assert drawn().edges("p").pre.tolist() != drawn(seed=6).edges("p").pre.tolist()
    assert drawn().initial("exc", "v").tolist() != drawn(seed=6).initial("exc", "v").tolist()


def test_each_value_has_a_stream_of_its_own() -> None:
    circuit = connected(weight=nc.Uniform(0 * mV, 1 * mV), delay=nc.Uniform(0 * ms, 1000 * ms))
    edges = circuit.edges("p")
    assert abs(np.corrcoef(edges.weight, edges.delay)[0, 1]) < 0.5
    circuit.connect("exc", "inh", nc.AllToAll(), receptor="exc", weight=nc.Uniform(0 * mV, 1 * mV), name="q")
    assert not np.any(circuit.edges("q").weight == edges.weight)


# -- parameters and initial values -----------------------------------------------------------------------------------


def population(**options: Any) -> nc.Circuit:
    circuit = nc.Circuit("c", dt=0.1 * ms, seed=5)
    circuit.population("p", 3, CELL, **options)
    return circuit


def test_parameters() -> None:
    circuit = population(parameters={"tau": [1, 2, 3] * ms, "r": nc.Normal(5 * mV / pA, 1 * mV / pA)})
    assert circuit.parameter("p", "tau_ampa") == 0.005
    np.testing.assert_allclose(circuit.parameter("p", "tau"), [0.001, 0.002, 0.003])
    expected = nc.Normal(5 * mV / pA, 1 * mV / pA).draw(3, Stream(5, "p/parameter/r"))
    np.testing.assert_array_equal(circuit.parameter("p", "r"), expected)
    shared = population(parameters={"tau": nc.Trainable(nc.Uniform(1 * ms, 2 * ms), per="all")})
    assert isinstance(shared.parameter("p", "tau"), float)


def test_edge_parameters() -> None:
    circuit = small()
    synapse = nc.SynapseModel(on_pre="ampa_post += w*q*s*u", parameters={"q": 2.0, "s": 1.0, "u": nc.Uniform(0, 1)})
    marked = nc.Trainable(nc.Normal(0, 1), per="post")
    circuit.connect("exc", "inh", nc.AllToAll(), synapse=synapse, weight=1 * mV, name="p",
                    parameters={"q": np.arange(40.0), "s": marked})  # fmt: skip
    np.testing.assert_array_equal(circuit.edge_parameter("p", "q"), np.arange(40.0))
    assert len(np.unique(circuit.edge_parameter("p", "s"))) == 4
    assert len(np.unique(circuit.edge_parameter("p", "u"))) == 40


def test_initial_values_of_every_kind() -> None:
    circuit = population(
        parameters={"v_leak": [-60, -61, -62] * mV, "i_syn": 4 * pA},
        initial={"v": "v_leak + 0.5*mV*i + ampa", "ampa": "N*mV", "i_ext": [1, 2, 3] * pA},
    )
    np.testing.assert_allclose(circuit.initial("p", "v"), [-0.057, -0.0575, -0.058])
    np.testing.assert_allclose(circuit.initial("p", "ampa"), [0.003] * 3)
    np.testing.assert_allclose(circuit.initial("p", "i_ext"), [1e-12, 2e-12, 3e-12])
    np.testing.assert_allclose(circuit.initial("p", "i_syn"), [4e-12] * 3)  # a parameter of that name
    assert all(circuit.initial("p", name).shape == (3,) for name in ("v", "ampa", "i_ext", "i_syn"))


def test_initial_values_of_the_model_and_none() -> None:
    circuit = population()
    np.testing.assert_array_equal(circuit.initial("p", "v"), [-0.06] * 3)
    np.testing.assert_array_equal(circuit.initial("p", "ampa"), [0.0] * 3)
    assert small().initial("signal", "signal").tolist() == [0, 0, 0]


def test_an_initial_value_that_is_no_number() -> None:
    circuit = population(initial={"v": "sqrt(1 - i)*mV"})
    with pytest.raises(CircuitError, match=r"initial value of 'v', 'sqrt\(1 - i\)\*mV', is not a number for 1 of 3"):
        circuit.initial("p", "v")


# -- trainables ------------------------------------------------------------------------------------------------------


def test_trainables_by_address() -> None:
    model = nc.NeuronModel("dv/dt = -v/tau : volt", parameters={"tau": nc.Trainable(1 * ms)},
                           initial={"v": nc.Trainable(0 * mV)}, threshold="v > 1*mV")  # fmt: skip
    circuit = nc.Circuit("c", dt=0.1 * ms)
    circuit.population("a", 2, model)
    circuit.population("b", 2, model, parameters={"tau": 3 * ms}, initial={"v": 1 * mV})
    synapse = nc.SynapseModel(on_pre="v_post += w*q*s", parameters={"q": nc.Trainable(1.0), "s": nc.Trainable(2.0)})
    circuit.connect("a", "b", nc.AllToAll(), synapse=synapse, weight=nc.Trainable(1 * mV), delay=nc.Trainable(1 * ms),
                    parameters={"s": 3.0}, name="p")  # fmt: skip
    assert circuit.trainables() == {
        "a.tau": nc.Trainable(0.001),
        "a.v": nc.Trainable(0.0),
        "p.weight": nc.Trainable(0.001),
        "p.delay": nc.Trainable(0.001),
        "p.q": nc.Trainable(1.0),
    }
    assert small().trainables() == {}


def test_graded_projections_have_edges_without_delay() -> None:
    edges = connected("slow", "slow", nc.AllToAll(autapses=False), receptor=None, synapse=GAP, weight=1 * nS).edges("p")
    assert edges.delay.tolist() == [0.0] * 6


@pytest.mark.parametrize(
    "rule",
    [nc.FixedProbability(0.1), nc.FixedInDegree(300), nc.FixedOutDegree(300), nc.FixedTotalNumber(900_000)],
    ids=repr,
)
@pytest.mark.parametrize("drawn", [False, True])
@pytest.mark.parametrize("dyadic", [False, True])
def test_memory_of_edges(rule: nc.Connectivity, drawn: bool, dyadic: bool) -> None:
    """A target takes 4 bytes, a weight 8 and a short delay 1, where edges differ in them; little more at the peak."""
    circuit = nc.Circuit("large", dt=0.1 * ms)
    circuit.population("cells", 3000, CELL)
    weight, delay = (nc.Normal(1 * mV, 1 * mV), nc.Uniform(0 * ms, 5 * ms)) if drawn else (1 * mV, 1 * ms)
    circuit.connect("cells", "cells", rule, receptor="exc", weight=weight, delay=delay, dyadic=dyadic)
    circuit.replace({"seed": 6}).edges("cells_to_cells")  # imports what it needs
    tracemalloc.start()
    edges = circuit.edges("cells_to_cells")
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept / edges.n < (13.1 if drawn else 4.1)
    assert peak / edges.n < 23  # of which some are the chunks that are drawn at once


def test_delays_are_rounded_alike_in_every_block(monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"delay": np.linspace(0, 3, 40) * ms, "round_delays": True}
    expected = connected(**options).edges("p").delay
    monkeypatch.setattr(realised_edges, "EDGES_AT_ONCE", 7)
    np.testing.assert_array_equal(connected(**options).edges("p").delay, expected)


@pytest.mark.parametrize(
    ("weight", "delay"),
    [
        (nc.Normal(5 * mV, 1 * mV), nc.Uniform(0 * ms, 5 * ms)),
        (nc.Trainable(nc.Uniform(0 * mV, 1 * mV), per="post"), nc.Trainable(nc.Uniform(0 * ms, 5 * ms), per="pre")),
        (np.arange(40.0) * mV, np.arange(40.0) * ms),
    ],
)
@pytest.mark.parametrize("dyadic", [False, True])
def test_values_do_not_depend_on_the_blocks_they_are_drawn_in(
    weight: Any, delay: Any, dyadic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"weight": weight, "delay": delay, "dyadic": dyadic and not isinstance(weight, nc.Trainable)}
    expected = [column.copy() for column in connected(**options).edges("p")]
    assert len(np.unique(expected[2])) > 1
    assert len(np.unique(expected[3])) > 1
    monkeypatch.setattr(realised_edges, "EDGES_AT_ONCE", 7)
    for one, other in zip(connected(**options).edges("p"), expected, strict=True):
        np.testing.assert_array_equal(one, other)
