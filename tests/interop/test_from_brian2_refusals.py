"""What of a Brian2 network cannot become a circuit is refused, all of it at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import brian2
import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, TimedArray, ms, mV

import neurosim as ns
from neurosim.errors import BackendError, UnsupportedError

TAU = 10 * ms


@pytest.fixture(autouse=True)
def numpy_target() -> Iterator[None]:
    target, dt = brian2.prefs.codegen.target, brian2.defaultclock.dt
    brian2.prefs.codegen.target = "numpy"
    yield
    brian2.prefs.codegen.target, brian2.defaultclock.dt = target, dt


def neurons(model: str = "dv/dt = (1.5 - v)/TAU : 1\nI : 1", name: str = "cells", **options: Any) -> Any:
    return NeuronGroup(3, model, **{"threshold": "v > 1", "reset": "v = 0", "method": "euler", "name": name, **options})


def connected(model: str = "", name: str = "edges", group: Any = None, **options: Any) -> list[Any]:
    group = neurons() if group is None else group
    synapses = Synapses(group, group, model, name=name, **options)
    synapses.connect()
    return [group, synapses]


def linked() -> Any:
    cells = neurons("dv/dt = (x - v)/TAU : 1\nx : 1 (linked)")
    cells.x = brian2.linked_var(neurons(name="others"), "I")
    return cells


def regularly() -> Any:
    cells = neurons()
    cells.run_regularly("I = rand()", dt=1 * ms)
    return cells


def operation() -> Any:
    @brian2.network_operation(name="my_operation")
    def act() -> None:
        pass

    return [neurons(), act]


def function() -> Any:
    @brian2.check_units(x=1, result=1)
    def double(x: Any) -> Any:
        return 2 * x

    return neurons("dv/dt = (double(I) - v)/TAU : 1\nI : 1", namespace={"double": double})


def timed(rows: int, text: str, method: str = "euler") -> Any:
    values = np.ones(4) if rows == 1 else np.ones((4, rows))
    return neurons(
        f"dv/dt = ({text} - v)/TAU : 1", method=method, namespace={"stimulus": TimedArray(values, dt=1 * ms)}
    )


def timed_synapse() -> Any:
    return connected(on_pre="I_post += stimulus(t)", namespace={"stimulus": TimedArray(np.ones(4), dt=1 * ms)})


def two_steps() -> Any:
    return [neurons(), neurons(name="fast", dt=0.01 * ms)]


def spiked() -> Any:
    cells = neurons(refractory=2 * ms)
    cells.lastspike = 0 * ms
    return cells


def updated() -> Any:
    objects = connected("dr/dt = -r/TAU : 1 (event-driven)", on_pre="r += 1; I_post += r")
    objects[1].lastupdate = 1 * ms
    return objects


def partly_summed() -> Any:
    cells = neurons()
    cells.I = 1
    synapses = Synapses(cells, cells[:2], "I_post = 0.1*v_pre : 1 (summed)", name="sum")
    synapses.connect()
    return [cells, synapses]


def spatial() -> Any:
    return brian2.SpatialNeuron(brian2.Soma(30 * brian2.um), "Im = 0*amp/meter**2 : amp/meter**2", name="cable")


def summing(
    model: str = "ds/dt = -s/TAU : 1 (clock-driven)",
    more: str = "",
    values: dict[str, str] | None = None,
    on_pre: str = "s += 1",
    method: str = "euler",
    on_post: str | None = None,
) -> Any:
    objects = connected(f"{model}\n{more}\nI_post = 0.1*s : 1 (summed)", on_pre=on_pre, on_post=on_post, method=method)
    for name, value in (values or {}).items():
        setattr(objects[1], name, value)
    return objects


def onto_synapses() -> Any:
    cells, synapses = connected("w : 1", on_pre="I_post += w")
    other = Synapses(cells, synapses, on_pre="w_post += 0.1", name="onto")
    other.connect(i=0, j=0)
    return [cells, synapses, other]


def inactive() -> Any:
    cells = neurons()
    cells.active = False
    return cells


def outside_group() -> Any:
    return connected(on_pre="I_post += 1")[1]


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "linked variable": (linked, r"'x' is \(linked\)"),
    "constant over dt": (
        lambda: neurons("dv/dt = (x - v)/TAU : 1\nx = rand() : 1 (constant over dt)"), r"'x' is \(constant over dt\)"
    ),
    "code of its own": (regularly, "NeuronGroup 'cells': 'cells_run_regularly' .*has no counterpart"),
    "network operation": (operation, "NetworkOperation 'my_operation': circuits have nothing like it"),
    "events": (lambda: neurons(events={"low": "v < 0"}), r"it has events of its own \(low\)"),
    "own function": (function, "the function 'double' is not one that equations of a circuit may call"),
    "random numbers": (lambda: neurons("dv/dt = -v/TAU : 1\nI = poisson(2) : 1"), "the function 'poisson' is not one"),
    "timed array by expression": (lambda: timed(1, "stimulus(t - 1*ms)"), r"may be read as stimulus\(t\) only"),
    "timed array by other index": (lambda: timed(3, "stimulus(t, 2 - i)"), r"may be read as stimulus\(t, i\) only"),
    "timed array of other size": (lambda: timed(5, "stimulus(t, i)"), "has 5 columns for 3 neurons"),
    "timed array within a step": (lambda: timed(1, "stimulus(t)", "rk4"), "'rk4' reads the TimedArray stimulus within"),
    "timed array in synapses": (timed_synapse, "'edges': it reads the TimedArray stimulus"),
    "several time steps": (two_steps, r"several time steps: 0.0001 s \('cells'\), 1e-05 s \('fast'\)"),
    "single precision": (lambda: neurons(dtype=np.float32), "'v' is float32; circuits hold float64"),
    "other integrator": (lambda: neurons(method="milstein"), "the integrator milstein is not one of exact, "),
    "own integrator": (lambda: neurons(method=lambda *_: "v = 0"), "the integrator <function"),
    "options": (
        lambda: neurons(method="exponential_euler", method_options={"simplify": False}), "the integrator has options"
    ),
    "unknown name": (lambda: neurons("dv/dt = -v/nowhere : 1"), 'The identifier "nowhere" could not be resolved'),
    "array as constant": (
        lambda: neurons("dv/dt = (k - v)/TAU : 1", namespace={"k": np.ones(3)}), "k was found in the namespace, but"
    ),
    "two noises": (
        lambda: neurons("dv/dt = -v/TAU + xi_1*TAU**-0.5 + xi_2*TAU**-0.5 : 1"),
        r"it has several noises \(xi_1, xi_2\)",
    ),
    "changing integer": (
        lambda: neurons("dv/dt = -v/TAU : 1\nk : integer", reset="k += 1"), "'k' is a whole number or truth value"
    ),
    "changing boolean": (
        lambda: neurons("dv/dt = -v/TAU : 1\nk : boolean", reset="k = True"), "k is boolean and changes in a run"
    ),
    "changing integer of edges": (
        lambda: connected("k : integer", on_pre="k += 1; I_post += k"), "'edges': 'k' is a whole number or truth value"
    ),
    "earlier events": (updated, "'edges': 'lastupdate' was set"),
    "earlier spikes": (spiked, "'lastspike' or 'not_refractory' was set"),
    "several cells": (spatial, "SpatialNeuron 'cable': circuits have nothing like it"),
    "inactive": (inactive, "NeuronGroup 'cells': 'cells' is not active"),
    "periodic spikes": (
        lambda: SpikeGeneratorGroup(2, [0], [1] * ms, period=5 * ms, name="again"), "'again' repeats its spikes"
    ),
    "other events of synapses": (
        lambda: connected(group=neurons(events={"low": "v < 0"}), on_pre="I_post += 1", on_event="low"),
        r"Synapses 'edges': it has events of its own \(low\)",
    ),
    "summed into the presynaptic neuron": (
        lambda: connected("I_pre = v_post : 1 (summed)"), "'edges': it sums into 'I_pre'; connect the other way round"
    ),
    "summed for some": (partly_summed, "'I' is summed for some neurons and holds values for others"),
    "summed twice": (
        lambda: [*(found := connected("I_post = v_pre : 1 (summed)")),
                 connected("I_post = v_pre : 1 (summed)", "again", found[0])[1]],
        "'I' is summed twice, which Brian2 does not run",
    ),
    "summed variable with dynamics of the edge": (
        lambda: summing("ds/dt = (v_post - s)/TAU : 1 (clock-driven)"), r"reads s, which each .* \(they read v_post\)"
    ),
    "summed variable with a parameter of the edge": (
        lambda: summing("ds/dt = -s/tau_s : 1 (clock-driven)\ntau_s : second"), r"\(they read tau_s\)"
    ),
    "summed variable with noise of the edge": (
        lambda: summing("ds/dt = -s/TAU + xi*TAU**-0.5 : 1 (clock-driven)", method="euler"), r"\(they read xi\)"
    ),
    "summed variable fed by the edge": (
        lambda: summing(on_pre="s += w", more="w : 1"), r"\(a spike adds to them w\)"
    ),
    "summed variable fed by chance": (lambda: summing(on_pre="s += rand()"), r"\(a spike adds to them rand\)"),
    "summed variable that is set": (lambda: summing(on_pre="s = 1"), r"\(other code reads or sets s\)"),
    "summed variable that pulses read": (
        lambda: summing(on_pre="s += 1; v_post += 0.1*s"), r"\(other code reads or sets s\)"
    ),
    "summed variable that on_post changes": (
        lambda: summing(on_post="s += 1"), r"\(other code reads or sets s\)"
    ),
    "summed variable fed by nothing": (lambda: summing(on_pre="v_post += 1"), r"\(not one pathway adds to them\)"),
    "summed variable of several values": (
        lambda: summing(values={"s": "0.1*j"}), r"\('s' differs between edges of one presynaptic neuron\)"
    ),
    "summed variable of several delays": (
        lambda: summing(values={"delay": "j*ms"}), r"\('delay' differs between edges of one presynaptic neuron\)"
    ),
    "pathways of different delays": (
        lambda: connected("w : 1", on_pre={"a": "I_post += w", "b": "w += 0.1"}, delay={"b": 1 * ms}),
        "its pathways a, b have different delays and change variables of the same edge",
    ),
    "pathways to one variable": (
        lambda: connected("w : 1", on_pre={"a": "I_post += w", "b": "w += 0.1; I_post += 1"}),
        "its pathways a, b all add to I_post; write them as one",
    ),
    "nothing but variables": (
        lambda: connected("ds/dt = -s/TAU : 1 (clock-driven)", method="exact"), "integrates variables that nothing"
    ),
    "change of the presynaptic neuron": (lambda: connected(on_pre="I_pre += 1"), "'edges'.*I_pre"),
    "assignment on arrival": (lambda: connected(on_pre="I_post = 1"), r"on_pre may add to a neuron's variable"),
    "change of a neuron by on_post": (lambda: connected(on_post="I_pre += 1"), "'edges'.*on_post"),
    "reading of the delay": (lambda: connected("w : 1", on_pre="I_post += w*delay/ms"), "it reads its delay"),
    "reading of the last event": (
        lambda: connected("dr/dt = -r/TAU : 1 (event-driven)", on_pre="r += 1; I_post += (t - lastupdate)/ms"),
        "it reads lastupdate, which synapses of a circuit cannot",
    ),
    "synapses onto synapses": (onto_synapses, "'onto' connects edges, not part of what was given"),
    "absent group": (outside_group, "'edges' connects cells, not part of what was given"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_place(name: str) -> None:
    build, message = REFUSED[name]
    with pytest.raises(UnsupportedError, match=message):
        ns.interop.from_brian2(build(), namespace={"TAU": TAU})


def test_objects_for_a_standalone_program_hold_no_values(monkeypatch: pytest.MonkeyPatch) -> None:
    cells, devices = neurons(), sys.modules["brian2.devices.device"]
    monkeypatch.setattr(devices, "get_device", lambda: devices.all_devices["cpp_standalone"])
    with pytest.raises(BackendError, match=r"leave set_device\(\) out"):
        ns.interop.from_brian2(cells, namespace={"TAU": TAU})


def test_everything_is_told_at_once() -> None:
    first = neurons("dv/dt = -v/nowhere : 1", name="first")
    second = neurons(name="second", events={"low": "v < 0"})
    synapses = Synapses(second, second, on_pre="I_post = 1", name="third")
    synapses.connect()
    with pytest.raises(UnsupportedError) as caught:
        ns.interop.from_brian2([first, {"more": (second, synapses)}], namespace={"TAU": TAU})
    told = str(caught.value).splitlines()
    assert told[0] == "this Brian2 network cannot become a circuit:"
    assert len(told) == 4
    assert all(any(name in line for line in told[1:]) for name in ("first", "second", "third"))


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(BackendError, match=r"takes a Network, or Brian2 objects in a list, not int"):
        ns.interop.from_brian2([neurons(), 3])


def test_a_network_that_ran_is_refused_and_a_restored_one_is_not() -> None:
    cells = neurons()
    network = Network(cells)
    network.store()
    network.run(1 * ms, namespace={"TAU": TAU})
    with pytest.raises(UnsupportedError, match=r"has run until t = 0.001 s"):
        ns.interop.from_brian2(network, namespace={"TAU": TAU})
    with pytest.raises(UnsupportedError, match=r"has run until t = 0.001 s"):
        ns.interop.from_brian2([cells], namespace={"TAU": TAU})
    network.restore()
    assert not ns.interop.from_brian2(network, namespace={"TAU": TAU}).circuit.initial("cells", "v").any()


# -- order -----------------------------------------------------------------------------------------------------------


def leaky_edges(order: int = 0, **options: Any) -> list[Any]:
    group, synapses = connected(
        "ds/dt = (v_post - s)/TAU : 1 (clock-driven)", on_pre="I_post += 0.01*s", method="euler", order=order, **options
    )
    return [group, synapses]


def test_edges_that_would_see_their_neurons_after_integration_are_refused() -> None:
    message = r"'cells_stateupdater' \(when='groups', order=0\) runs before 'edges_stateupdater'"
    with pytest.raises(UnsupportedError, match=message):
        ns.interop.from_brian2(leaky_edges(), namespace={"TAU": TAU})
    assert ns.interop.from_brian2(leaky_edges(order=-1), namespace={"TAU": TAU}).circuit.projections["edges"]


def test_arrivals_in_another_slot_are_refused_where_it_matters() -> None:
    group, synapses = connected(on_pre="v_post += 0.1")
    synapses.pre.when = "after_resets"
    with pytest.raises(UnsupportedError, match=r"'cells_spike_resetter' .* runs before 'edges_pre'"):
        ns.interop.from_brian2([group, synapses], namespace={"TAU": TAU})
    group, synapses = connected(on_pre="I_post += 0.1")
    synapses.pre.when = "after_resets"  # which has nothing to do with I
    assert ns.interop.from_brian2([group, synapses], namespace={"TAU": TAU}).circuit.projections["edges"]


def test_a_schedule_of_ones_own_is_refused_where_it_matters() -> None:
    group, synapses = connected(on_pre="v_post += 0.1")
    network = Network(group, synapses)
    network.schedule = ["start", "groups", "synapses", "thresholds", "resets", "end"]
    with pytest.raises(UnsupportedError, match=r"'edges_pre' .* runs before 'cells_spike_thresholder'"):
        ns.interop.from_brian2(network, namespace={"TAU": TAU})


@pytest.mark.parametrize(("bottom", "up", "fits"), [("a", "b", True), ("b", "a", False)])
def test_a_chain_of_sums_must_be_sorted_as_it_is_computed(bottom: str, up: str, fits: bool) -> None:
    cells = neurons()
    layer = NeuronGroup(3, "total : 1\nrate = tanh(total) : 1", name="layer")
    first = Synapses(cells, layer, "total_post = 0.1*v_pre : 1 (summed)", name=bottom)
    second = Synapses(layer, cells, "I_post = 0.1*rate_pre : 1 (summed)", name=up)
    first.connect()
    second.connect()
    objects = [cells, layer, first, second]
    if fits:
        assert ns.interop.from_brian2(objects, namespace={"TAU": TAU}).circuit.projections[up].graded
    else:
        with pytest.raises(UnsupportedError, match=r"'a_summed_variable_I_post' .* before 'b_summed_variable_tot"):
            ns.interop.from_brian2(objects, namespace={"TAU": TAU})


def test_a_name_stands_where_neurons_hold_what_edges_have_in_common() -> None:
    found = ns.interop.from_brian2(summing(), namespace={"TAU": TAU})
    assert list(found.circuit.parts) == ["cells", "edges_presynaptic", "edges_graded", "edges_feed"]
    assert any("the population 'edges_presynaptic' holds it once" in remark for remark in found.remarks)


def test_edges_that_integrate_before_they_are_summed_are_refused() -> None:
    group, synapses = summing()
    synapses.state_updater.order = -2
    with pytest.raises(UnsupportedError, match=r"'edges_stateupdater' .* before 'edges_summed_variable_I_post'"):
        ns.interop.from_brian2([group, synapses], namespace={"TAU": TAU})


def test_a_voltage_needs_its_unit_in_the_message() -> None:
    cells = NeuronGroup(2, "dv/dt = -v/TAU : volt", threshold="v > 1", reset="v = 0*mV", method="exact", name="cells")
    with pytest.raises(UnsupportedError, match=r"'cells'.*units"):
        ns.interop.from_brian2([cells], namespace={"TAU": TAU, "mV": mV})
