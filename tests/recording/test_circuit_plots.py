"""Plots of what a recording alone does not hold: edges, weights and the phase plane of a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.circuit.vector_field import vector_field
from neurosim.errors import RecordError
from neurosim.recording import Record, Recording, plots
from neurosim.units import Mohm, ms, mV, nA, pA

pyplot = pytest.importorskip("matplotlib.pyplot")

FITZHUGH = ns.NeuronModel(
    "dv/dt = (v - v**3/3 - w + drive)/tau : 1\ndw/dt = 0.08*(v + 0.7 - 0.8*w)/tau : 1\ndrive : 1",
    parameters={"tau": 1 * ms},
    method="rk4",
    name="fitzhugh_nagumo",
)
LIMITS = {"v": (-2.5, 2.5), "w": (-1.0, 2.0)}


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    before = dict(pyplot.rcParams)
    yield
    assert dict(pyplot.rcParams) == before  # no global style
    pyplot.close("all")


@pytest.fixture
def circuit() -> ns.Circuit:
    circuit = ns.Circuit("wired", dt=0.1 * ms)
    cell = ns.models.lif(tau_mem=10 * ms, v_leak=0.0, v_threshold=1.0, v_reset=0.0)
    circuit.population("a", 3, cell)
    circuit.population("b", 4, cell)
    circuit.connect("a", "b", ns.Edges([0, 0, 2, 0], [1, 3, 0, 1]), receptor="v", weight=[1.0, -2.0, 3.0, 0.5])
    return circuit


def test_the_matrix_adds_edges_and_leaves_holes(circuit: ns.Circuit) -> None:
    figure, given = pyplot.subplots()
    ax = plots.connectivity(circuit, "a_to_b", ax=given)
    assert ax is given
    (image,) = ax.images
    expected = np.full((3, 4), np.nan)
    expected[0, 1], expected[0, 3], expected[2, 0] = 1.5, -2.0, 3.0
    assert np.array_equal(np.ma.filled(image.get_array(), np.nan), expected, equal_nan=True)
    assert image.get_clim() == (-3.0, 3.0)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("to b", "from a")
    counts = plots.connectivity(circuit, "a_to_b", values="count").images[0]
    assert np.nansum(np.ma.filled(counts.get_array(), np.nan)) == 4
    assert counts.get_clim() == (0.0, 2.0)
    figure.canvas.draw()


def test_degrees_of_large_populations(circuit: ns.Circuit) -> None:
    ax = plots.connectivity(circuit, "a_to_b", view="degrees")
    (out, into) = (patch.get_data() for patch in ax.patches)
    assert (out.values.tolist(), out.edges.tolist()) == ([1, 1, 0, 1], [-0.5, 0.5, 1.5, 2.5, 3.5])  # 3, 0, 1 edges
    assert (into.values.tolist(), into.edges.tolist()) == ([1, 2, 1], [-0.5, 0.5, 1.5, 2.5])  # 1, 2, 0, 1
    large = ns.Circuit("large", dt=0.1 * ms)
    large.source("s", ns.SpikeSource(501))
    large.population("p", 2, circuit.populations["a"].model)
    large.connect("s", "p", ns.AllToAll(), receptor="v", weight=1.0)
    assert not plots.connectivity(large, "s_to_p").images
    assert plots.connectivity(large, "s_to_p", view="matrix").images
    with pytest.raises(RecordError, match="view must be"):
        plots.connectivity(large, "s_to_p", view="graph")
    with pytest.raises(RecordError, match="values must be"):
        plots.connectivity(large, "s_to_p", values="delay")


def test_a_projection_without_edges(circuit: ns.Circuit) -> None:
    circuit.connect("b", "a", ns.Edges([], []), receptor="v", weight=1.0)
    plots.connectivity(circuit, "b_to_a").figure.canvas.draw()
    plots.weights(circuit, "b_to_a").figure.canvas.draw()


def test_weights_of_a_circuit_are_counted(circuit: ns.Circuit) -> None:
    ax = plots.weights(circuit, "a_to_b")
    assert sum(patch.get_height() for patch in ax.patches) == 4
    assert ax.get_xlabel() == "weight"


def test_units_of_weights_read_well() -> None:
    circuit = ns.Circuit("units", dt=0.1 * ms)
    cell = ns.models.lif(
        tau_mem=10 * ms,
        r=100 * Mohm,
        v_leak=-60 * mV,
        v_threshold=-50 * mV,
        v_reset=-60 * mV,
        receptors={"ampa": 5 * ms},
    )
    circuit.population("a", 2, cell)
    circuit.connect("a", "a", ns.AllToAll(), receptor="ampa", weight=20 * pA)
    assert plots.weights(circuit, "a_to_a").get_xlabel() == "weight (pA)"


def test_weights_of_a_recording_over_time(toy_run: Any) -> None:
    recording = toy_run(spec={"exc_to_inh": Record("w", every=2e-4)})
    ax = plots.weights(recording, "exc_to_inh", edges=[3, 1], trial=1)
    trace = recording.traces["exc_to_inh"]["w"]
    assert [line.get_label() for line in ax.lines] == ["edge 3", "edge 1"]
    assert np.allclose(ax.lines[0].get_ydata(), trace.values[1, :, 3] * 1e3)
    assert ax.get_ylabel() == "exc_to_inh.w (mS)"


def test_many_weights_become_ranges() -> None:
    from neurosim.recording.traces import trace_array

    values = np.tile(np.arange(101.0), (1, 3, 1))
    trace = trace_array(values, variable="w", unit="1", time=np.arange(3) * 0.1, dimension="edge")
    ax = plots.weights(Recording(traces={"p": {"w": trace}}), "p")
    assert ax.lines[0].get_ydata().tolist() == [50.0] * 3
    outer, inner = (collection.get_paths()[0].get_extents() for collection in ax.collections)
    assert (outer.ymin, outer.ymax, inner.ymin, inner.ymax) == (5.0, 95.0, 25.0, 75.0)


def nullclines(ax: Any) -> list[np.ndarray]:
    sets = [collection for collection in ax.collections if type(collection).__name__ == "QuadContourSet"]
    return [np.concatenate([path.vertices for path in one.get_paths()]) for one in sets]


def test_nullclines_are_where_nothing_changes() -> None:
    figure, given = pyplot.subplots()
    ax = plots.phase_plane(FITZHUGH, limits=LIMITS, held={"drive": 0.5}, ax=given)
    assert ax is given
    v_line, w_line = nullclines(ax)
    assert np.abs(v_line[:, 1] - (v_line[:, 0] - v_line[:, 0] ** 3 / 3 + 0.5)).max() < 2e-3
    assert np.abs(w_line[:, 1] - (w_line[:, 0] + 0.7) / 0.8).max() < 1e-6
    assert ax.get_xlim() == (-2.5, 2.5)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("v", "w")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["dv/dt = 0", "dw/dt = 0"]
    figure.canvas.draw()


def test_arrows_follow_the_flow() -> None:
    ax = plots.phase_plane(FITZHUGH, limits=LIMITS)
    (arrows,) = (one for one in ax.collections if type(one).__name__ == "Quiver")
    field = vector_field(FITZHUGH, {"v": np.array(arrows.X), "w": np.array(arrows.Y)})
    assert np.array_equal(np.sign(arrows.U), np.sign(field["v"]))
    assert np.array_equal(np.sign(arrows.V), np.sign(field["w"]))


def test_a_trajectory_and_its_range() -> None:
    circuit = ns.Circuit("one", dt=0.1 * ms)
    circuit.population("cell", 2, FITZHUGH, initial={"v": [-1.0, 2.0], "w": 0.3})
    recording = ns.simulate(circuit, 20 * ms, record={"cell": ["v", "w"]})
    ax = plots.phase_plane(FITZHUGH, recording=recording, population="cell", neuron=1)
    path = next(line for line in ax.lines if len(line.get_xdata()) > 1)
    assert np.array_equal(path.get_xdata(), recording["cell"]["v"].values[0, :, 1])
    assert np.array_equal(path.get_ydata(), recording["cell"]["w"].values[0, :, 1])
    low, high = ax.get_xlim()
    values = recording["cell"]["v"].values[0, :, 1]
    assert low < values.min() < values.max() < high
    assert (high - low) == pytest.approx(1.2 * (values.max() - values.min()))


def test_a_trajectory_is_broken_at_resets() -> None:
    model = ns.models.adaptive_exponential()
    circuit = ns.Circuit("one", dt=0.1 * ms)
    circuit.population("cell", 2, model)
    circuit.inject("drive", "cell", "i_ext", ns.Step([0.0, 1.2] * nA))
    record = {"cell": ["spikes", ns.Record("v", neurons=[1]), ns.Record("w_adapt", neurons=[1])]}
    recording = ns.simulate(circuit, 60 * ms, record=record)
    spikes = recording.spikes["cell"]
    assert len(spikes) > 2
    ax = plots.phase_plane(model, recording=recording, population="cell", held={"i_ext": 1.2 * nA})
    path = next(line for line in ax.lines if len(line.get_xdata()) > 1)
    v = np.asarray(path.get_xdata())
    assert np.isnan(v).sum() == len(spikes)
    assert np.allclose(v[np.flatnonzero(np.isnan(v)) + 1], -70.6)  # after a gap it begins at the reset
    assert np.array_equal(v[~np.isnan(v)], recording["cell"]["v"].values[0, :, 0] * 1e3)


def test_units_and_library_models() -> None:
    model = ns.models.adaptive_exponential()
    limits = {"v": (-80 * mV, -45 * mV), "w_adapt": (-0.2 * nA, 0.6 * nA)}
    ax = plots.phase_plane(model, limits=limits, held={"i_ext": 0.8 * nA})
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("v (mV)", "w_adapt (pA)")
    assert ax.get_xlim() == pytest.approx((-80, -45))
    adaptation = nullclines(ax)[1]  # w = a (v - v_leak)
    assert np.allclose(adaptation[:, 1], 4e-9 * (adaptation[:, 0] * 1e-3 + 70.6e-3) * 1e12, atol=1e-6)


def test_two_of_more_variables() -> None:
    model = ns.models.hodgkin_huxley()
    names = model.names("differential")
    limits = {"v": (-80 * mV, 40 * mV), "n": (0.0, 1.0)}
    held = {name: 0.5 for name in names if name not in limits}
    plots.phase_plane(model, ("v", "n"), limits=limits, held=held).figure.canvas.draw()
    with pytest.raises(RecordError, match="Name two of them in variables="):
        plots.phase_plane(model, limits=limits)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give limits= of 'v'"),
        ({"variables": ("v", "u"), "limits": LIMITS}, "'u' has no differential equation"),
        ({"limits": LIMITS, "recording": Recording()}, "say whose trajectory"),
        ({"limits": LIMITS, "recording": Recording(), "population": "x"}, "No traces of 'x'"),
    ],
)
def test_planes_that_cannot_be_drawn(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        plots.phase_plane(FITZHUGH, **options)


def test_a_trajectory_must_be_there(toy_run: Any) -> None:
    recording = toy_run(spec={"exc": ["v", Record("g", every=2e-4)]})
    model = ns.NeuronModel("dv/dt = -v/tau : 1\ndg/dt = -g/tau : 1", parameters={"tau": 1 * ms}, method="euler")
    with pytest.raises(RecordError, match="not recorded at the same times"):
        plots.phase_plane(model, recording=recording, population="exc")
    same = toy_run(spec={"exc": ["v", "g"]})
    with pytest.raises(RecordError, match="has no column 7 in a trial 0"):
        plots.phase_plane(model, recording=same, population="exc", neuron=7)
