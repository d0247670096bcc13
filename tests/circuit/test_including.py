"""A circuit inside another: names, what is drawn, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurosim.circuit as nc
from circuit.small import CELL, GRADED, small
from neurosim.errors import CircuitError, FileFormatError
from neurosim.units import Hz, ms, mV, pA, us


def column(**options: Any) -> nc.Circuit:
    """Return a circuit with parts of every kind, most of them drawn."""
    circuit = nc.Circuit("column", dt=0.1 * ms, **{"seed": 2, **options})
    exc = circuit.population("exc", 20, CELL, initial={"v": nc.Uniform(-60 * mV, -50 * mV)})
    inh = circuit.population("inh", 5, CELL, parameters={"tau": nc.Uniform(10 * ms, 20 * ms)})
    circuit.source("drive", nc.PoissonSource(6, nc.Uniform(1 * Hz, 9 * Hz)))
    circuit.connect("drive", exc, nc.FixedProbability(0.5), receptor="exc", weight=nc.Uniform(0 * mV, 1 * mV))
    circuit.connect(exc[:10], inh, nc.FixedProbability(0.5), receptor="exc", weight=1 * mV, delay=1 * ms)
    circuit.inject("stimulus", exc[3:7], "i_ext", nc.Step(1 * pA))
    circuit.poisson("background", inh, receptor="exc", rate=nc.Uniform(1 * Hz, 9 * Hz), weight=1 * mV)
    return circuit


def area(**options: Any) -> nc.Circuit:
    circuit = nc.Circuit("area", dt=0.1 * ms, **{"seed": 9, **options})
    left, right = (circuit.include(side, column()) for side in ("left", "right"))
    circuit.connect(left["exc"], right["exc"][:4], nc.AllToAll(), receptor="exc", weight=1 * mV)
    return circuit


def test_names_of_parts() -> None:
    names = ["exc", "inh", "drive", "drive_to_exc", "exc_to_inh", "stimulus", "background"]
    expected = [f"{side}/{name}" for side in ("left", "right") for name in names]
    assert list(area().parts) == [*expected, "left_exc_to_right_exc"]


def test_parts_refer_to_parts_beside_them() -> None:
    circuit = area()
    projection = circuit.projections["right/exc_to_inh"]
    assert (projection.pre, projection.post, projection.pre_indices) == ("right/exc", "right/inh", tuple(range(10)))
    injection = circuit.injections["left/stimulus"]
    assert (injection.population, injection.indices) == ("left/exc", (3, 4, 5, 6))
    assert circuit.poisson_inputs["left/background"].population == "left/inh"
    edges = circuit.edges("right/exc_to_inh")
    assert len(edges.pre)
    assert set(edges.pre) <= set(range(10))


def test_the_handle_gives_populations() -> None:
    circuit = nc.Circuit("area", dt=0.1 * ms)
    left = circuit.include("left", column())
    assert left.name == "left"
    assert left["exc"] is circuit["left/exc"]
    assert left["exc"][:3] == nc.View("left/exc", (0, 1, 2))
    assert list(left.populations) == ["exc", "inh", "drive"]
    assert repr(left) == "<Included 'left': exc (20), inh (5), drive (6)>"
    with pytest.raises(CircuitError, match=r"'left' has no population 'ecx'\. Did you mean 'exc'"):
        left["ecx"]


def test_a_circuit_in_a_circuit_in_a_circuit() -> None:
    brain = nc.Circuit("brain", dt=0.1 * ms, seed=9)
    visual = brain.include("visual", area())
    assert visual["left/exc"].name == "visual/left/exc"
    assert brain.projections["visual/left_exc_to_right_exc"].post == "visual/right/exc"
    assert brain.edges("visual/left/exc_to_inh").pre.size > 0


def drawn(circuit: nc.Circuit, side: str) -> list[np.ndarray]:
    edges = circuit.edges(f"{side}/drive_to_exc")
    return [
        edges.pre, edges.post, edges.weight, circuit.edges(f"{side}/exc_to_inh").pre,
        circuit.initial(f"{side}/exc", "v"), np.asarray(circuit.parameter(f"{side}/inh", "tau")),
        np.asarray(circuit.rate(f"{side}/drive")), np.asarray(circuit.rate(f"{side}/background")),
    ]  # fmt: skip


def differ(first: list[np.ndarray], second: list[np.ndarray]) -> list[bool]:
    return [not np.array_equal(one, other) for one, other in zip(first, second, strict=True)]


def test_what_is_drawn_follows_the_path_and_the_outer_seed() -> None:
    circuit = area()
    assert all(differ(drawn(circuit, "left"), drawn(circuit, "right")))
    assert all(differ(drawn(circuit, "left"), drawn(area(seed=10), "left")))

    other = nc.Circuit("other", dt=0.1 * ms, seed=9)
    other.population("before", 3, GRADED)
    other.include("right", column(seed=77))
    assert not any(differ(drawn(circuit, "right"), drawn(other, "right")))


def test_the_included_circuit_stays_as_it_was_and_may_grow() -> None:
    inner, circuit = column(), nc.Circuit("area", dt=0.1 * ms)
    circuit.include("left", inner)
    assert inner == column()
    inner.population("late", 2, GRADED)
    assert "left/late" not in circuit


def test_a_circuit_can_include_itself_as_it_is() -> None:
    circuit = column()
    circuit.include("copy", circuit)
    assert len(circuit.parts) == 2 * len(column().parts)
    assert circuit.projections["copy/exc_to_inh"].pre == "copy/exc"


def test_files_and_digests(tmp_path: Path) -> None:
    circuit = area()
    again = nc.Circuit.load(circuit.save(tmp_path / "area.json"))
    assert again == circuit
    assert again.digest() == circuit.digest()
    assert not any(differ(drawn(circuit, "right"), drawn(again, "right")))
    with pytest.raises(CircuitError, match="already includes a circuit as 'left'"):
        again.include("left", column())


def test_arrays_in_files(tmp_path: Path) -> None:
    inner = small()
    inner.connect("exc", "inh", nc.AllToAll(), receptor="exc", weight=np.arange(40.0) * mV)
    circuit = nc.Circuit("area", dt=0.1 * ms)
    circuit.include("left", inner)
    again = nc.Circuit.load(circuit.save(tmp_path / "area.json"))
    assert np.array_equal(again.edges("left/exc_to_inh").weight, np.arange(40.0) * 1e-3)


def test_files_are_held_to_the_same_names(tmp_path: Path) -> None:
    from neurosim.circuit.description import from_dict, to_dict

    data = to_dict(small(), {})
    data["parts"][1]["name"] = "exc/inh"
    with pytest.raises(FileFormatError, match="'exc' cannot name a part and an included circuit"):
        from_dict(data, {})
    data["parts"][1]["name"] = "left//inh"
    with pytest.raises(FileFormatError, match="'left//inh' cannot be a name"):
        from_dict(data, {})


def test_replace_by_address() -> None:
    circuit = area()
    values = {"left/inh.tau": 5 * ms, "right/exc_to_inh.delay": 2 * ms, "left/background.rate": 3 * Hz}
    changed = circuit.replace(values)
    assert changed.parameter("left/inh", "tau") == 5e-3
    assert set(changed.edges("right/exc_to_inh").delay) == {2e-3}
    assert changed.rate("left/background") == 3.0
    assert not any(differ(drawn(circuit, "right"), drawn(changed, "right")))
    assert all(differ(drawn(circuit, "right"), drawn(circuit.replace({"seed": 1}), "right")))
    with pytest.raises(CircuitError, match=r"Did you mean 'left/inh\.tau'"):
        circuit.replace({"left/ihn.tau": 5 * ms})


def test_ties_stay_within_the_included_circuit() -> None:
    tied = nc.NeuronModel(
        "dv/dt = -v/tau : 1\ndu/dt = -u/tau : 1", parameters={"tau": nc.Trainable(5 * ms, tie="time")},
        initial={"v": nc.Trainable(0.5, tie="start")},
    )  # fmt: skip
    inner = nc.Circuit("inner", dt=1 * ms)
    inner.population("a", 2, tied)
    inner.population("b", 2, tied, parameters={"tau": nc.Trainable(6 * ms)}, initial={"u": nc.Trainable(0.1, tie="u")})
    graded = nc.SynapseModel(
        "u_in_post = w*gain*v_pre : 1 (summed)", parameters={"gain": nc.Trainable(2.0, tie="gain")}
    )
    target = nc.NeuronModel("dv/dt = (u_in - v)/(5*ms) : 1\nu_in : 1")
    inner.population("c", 2, target)
    inner.connect("a", "c", nc.AllToAll(), synapse=graded, weight=nc.Trainable(1.0, tie="w", sign=1, bounds=(0, 3)))
    inner.source("spikes", nc.SpikeSource(2))
    delays = (nc.Trainable(1 * ms, tie="early"), nc.Trainable(2 * ms, tie="late"))
    plastic = nc.SynapseModel(on_pre="v_post += w", on_post="w += 0.1")
    spiking = nc.NeuronModel("dv/dt = -v/(5*ms) : 1", threshold="v > 1", reset="v = 0")
    inner.population("d", 2, spiking)
    inner.connect("spikes", "d", nc.AllToAll(), synapse=plastic, weight=0.1, delay=delays[0], post_delay=delays[1])
    inner.poisson("noise", "b", receptor="v", rate=1 * Hz, weight=nc.Trainable(0.1, tie="pulse"))
    circuit = nc.Circuit("outer", dt=1 * ms)
    circuit.include("x", inner)
    ties = {address: mark.tie for address, mark in circuit.trainables().items()}
    assert ties == {
        "x/a.tau": "x/time", "x/a.v": "x/start", "x/b.tau": None, "x/b.u": "x/u", "x/b.v": "x/start",
        "x/a_to_c.weight": "x/w", "x/a_to_c.gain": "x/gain", "x/spikes_to_d.delay": "x/early",
        "x/noise.weight": "x/pulse",
    }  # fmt: skip
    assert circuit.projections["x/spikes_to_d"].post_delay.tie == "x/late"  # type: ignore[union-attr]
    mark = circuit.trainables()["x/a_to_c.weight"]
    assert (mark.initial, mark.sign, mark.bounds) == (1.0, 1, (0.0, 3.0))
    assert circuit.parameter("x/a", "tau") == 5e-3


def test_time_steps_must_agree() -> None:
    circuit = nc.Circuit("area", dt=100 * us)
    assert circuit.dt != column().dt  # 100 * 1e-6 is not 0.1 * 1e-3
    circuit.include("left", column())
    slow = nc.Circuit("slow", dt=1 * ms)
    slow.population("exc", 2, GRADED)
    with pytest.raises(CircuitError, match=r"'area' has dt = 100 us, circuit 'slow' has dt = 1 ms"):
        circuit.include("right", slow)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("left", "already includes a circuit as 'left'; choose another name"),
        ("single", "already has a part 'single'"),
        ("a/b", "not a name"), ("", "not a name"), ("_x", "not a name"), ("x__y", "not a name"),
    ],
)  # fmt: skip
def test_places_that_cannot_be(name: str, message: str) -> None:
    circuit = area()
    circuit.population("single", 2, GRADED)
    before = dict(circuit.parts)
    with pytest.raises(CircuitError, match=message):
        circuit.include(name, column())
    assert dict(circuit.parts) == before


def test_an_empty_circuit_is_refused() -> None:
    with pytest.raises(CircuitError, match="'nothing' has no parts yet"):
        area().include("middle", nc.Circuit("nothing", dt=0.1 * ms))


def test_only_include_makes_a_slash() -> None:
    circuit = area()
    with pytest.raises(CircuitError, match=r"'left/more' cannot be a name.*only include\(\) makes names with a slash"):
        circuit.population("left/more", 2, GRADED)
    with pytest.raises(CircuitError, match="'left' cannot name a part and an included circuit"):
        circuit.population("left", 2, GRADED)
    with pytest.raises(CircuitError, match=r"has no population 'left/ecx'\. Did you mean 'left/exc'"):
        circuit.connect("left/ecx", "right/exc", nc.AllToAll(), receptor="exc", weight=1 * mV)
    with pytest.raises(CircuitError, match="already has 'left_exc_to_right_exc'; give name="):
        circuit.connect("left/exc", "right/exc", nc.AllToAll(), receptor="exc", weight=1 * mV)


def test_a_refused_part_leaves_the_circuit_as_it_was() -> None:
    inner = column(round_delays=True)
    inner.connect("inh", "exc", nc.AllToAll(), receptor="exc", weight=1 * mV, delay=0.13 * ms)
    circuit = area()
    before, digest = dict(circuit.parts), circuit.digest()
    with pytest.raises(
        CircuitError, match=r"include 'middle': projection 'middle/inh_to_exc'.*round_delays=True[^.]*\.$"
    ):
        circuit.include("middle", inner)
    assert dict(circuit.parts) == before
    assert circuit.digest() == digest
    area(round_delays=True).include("middle", inner)


def test_values_given_for_drawn_edges_are_refused() -> None:
    inner = column()
    drawn_edges = inner.connect("inh", "exc", nc.FixedProbability(0.5), receptor="exc", weight=1 * mV)
    count = inner.edges(drawn_edges).pre.size
    inner = inner.replace({"inh_to_exc.weight": np.arange(float(count)) * mV})
    with pytest.raises(
        CircuitError, match=r"'left/inh_to_exc': weight has shape .* by their path: .* edges that are given too"
    ):
        nc.Circuit("area", dt=0.1 * ms).include("left", inner)
