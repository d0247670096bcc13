"""Spikes and values of a run as NIR data, and back."""

from __future__ import annotations

from pathlib import Path

import nir
import numpy as np
import pytest

import neurosim as ns
from interop.layered import N_IN, spikes_for, stack
from neurosim.interop import from_nir_data, to_nir, to_nir_data
from neurosim.units import ms


def recorded(**options: object) -> ns.Recording:
    given = spikes_for((N_IN,), 60, 0.2)
    record = {"hidden": ["spikes", "v"], "second": ["spikes"], "out": [ns.Record("v", every=2 * ms)], **options}
    return ns.simulate(
        stack(1.0), 60 * ms, backend="snntorch", inputs={"in": given}, record=record, trials=2, dtype="float64"
    )


def test_there_and_back(tmp_path: Path) -> None:
    recording = recorded()
    path = to_nir_data(recording, tmp_path / "run.nird")
    found = from_nir_data(path, units={"v": "volt"})
    assert found.spikes == recording.spikes
    assert len(found.spikes["hidden"]) > 20
    for name in ("hidden", "out"):
        np.testing.assert_array_equal(found[name]["v"].values, recording[name]["v"].values)
        np.testing.assert_allclose(found[name]["v"]["time"], recording[name]["v"]["time"], rtol=0, atol=1e-15)
        assert found[name]["v"].attrs["units"] == "volt"


def test_nodes_are_those_of_the_graph(tmp_path: Path) -> None:
    """NIR's own check: the names and sizes of the data fit the graph of the circuit; its dense form has our spikes."""
    recording = recorded()
    to_nir(stack(1.0), tmp_path / "graph.nir")
    data = nir.read_data(to_nir_data(recording, tmp_path / "run.nird"))
    data.check_nodes(nir.read(tmp_path / "graph.nir"))
    shifted = nir.EventData(
        *(getattr(data.nodes["hidden"].observables["spikes"], name) for name in ("idx", "time", "n_neurons", "t_max"))
    )
    shifted.time = shifted.time + 5e-4  # to_time_gridded cuts times at the lower end of a step
    shifted.t_max += 5e-4
    dense = shifted.to_time_gridded(1e-3).data
    assert np.array_equal(np.moveaxis(dense, 0, 1), recording.spikes["hidden"].to_dense(1e-3, 60))


def test_spikes_on_a_grid_are_read(tmp_path: Path) -> None:
    fired = np.random.default_rng(0).random((3, 40, 5)) < 0.1
    data = nir.NIRGraphData({"lif": nir.NIRNodeData({"spikes": nir.TimeGriddedData(fired, 2e-3)})})
    nir.write_data(tmp_path / "dense.nird", data)
    trains = from_nir_data(tmp_path / "dense.nird").spikes["lif"]
    assert np.array_equal(trains.to_dense(2e-3, 40), np.moveaxis(fired, 0, 1))


def test_what_does_not_fit_is_listed(tmp_path: Path) -> None:
    recording = recorded(
        hidden=["spikes", ns.Record("v", reduce="mean")], out=[ns.Record("v", neurons=[2, 0])], second=[]
    )
    late = ns.simulate(stack(1.0), 10 * ms, backend="snntorch", state=recording.state, trials=2, dtype="float64")
    with pytest.raises(ns.UnsupportedError) as caught:
        to_nir_data(recording, tmp_path / "no.nird")
    assert "'v' of 'hidden': it has dimensions trial, time" in str(caught.value)
    assert "'v' of 'out': it is of some neurons alone" in str(caught.value)
    with pytest.raises(ns.UnsupportedError, match="from time 0 on"):
        to_nir_data(late, tmp_path / "no.nird")
    assert not list(tmp_path.iterdir())


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ns.FileFormatError, match="there is no file"):
        from_nir_data(tmp_path / "none.nird")
    to_nir(stack(1.0), tmp_path / "graph.nir")
    with pytest.raises(ns.FileFormatError, match="cannot be read as NIR data"):
        from_nir_data(tmp_path / "graph.nir")
    with pytest.raises(ns.FileFormatError, match="exists already"):
        to_nir_data(recorded(), tmp_path / "graph.nir")
    valued = nir.ValuedEventData(np.zeros((1, 2), dtype=int), np.zeros((1, 2)), 3, 1.0, np.ones((1, 2)))
    nir.write_data(tmp_path / "valued.nird", nir.NIRGraphData({"lif": nir.NIRNodeData({"spikes": valued})}))
    with pytest.raises(ns.UnsupportedError, match="events with values"):
        from_nir_data(tmp_path / "valued.nird")
