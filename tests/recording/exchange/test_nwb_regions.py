"""Regions of two-photon movies in NWB files, as suite2p and others write them."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim.recording import Recording
from neurosim.recording.traces import trace_array

pynwb = pytest.importorskip("pynwb")

N, FRAMES = 3, 20
VALUES = np.arange(FRAMES * N, dtype=np.float32).reshape(FRAMES, N)


def movie(
    path: Path, *, turned: bool = False, spikes: bool = False, rows: Any = (0, 1, 2), iscell: bool = True
) -> Path:
    """Write fluorescence and dF/F of three regions at 10 Hz, in the modules of the standard."""
    from pynwb.ophys import DfOverF, Fluorescence, ImageSegmentation, OpticalChannel

    file = pynwb.NWBFile("a movie", "movie", datetime(2020, 1, 1, tzinfo=UTC))
    device = file.create_device("microscope")
    channel = OpticalChannel(name="green", description="green", emission_lambda=510.0)
    plane = file.create_imaging_plane(
        name="plane", optical_channel=channel, description="layer 2/3", device=device, excitation_lambda=920.0,
        indicator="GCaMP6s", location="V1", imaging_rate=10.0,
    )  # fmt: skip
    segmentation = ImageSegmentation()
    module = file.create_processing_module("ophys", "imaging")
    module.add(segmentation)
    table = segmentation.create_plane_segmentation("regions", plane, "PlaneSegmentation")
    for number in range(N):
        table.add_roi(image_mask=np.eye(4) * number, id=10 + number)
    if iscell:
        table.add_column("iscell", "accepted, probability", data=np.array([[1, 0.9], [0, 0.3], [1, 0.8]]))
    table.add_column("depth", "µm", data=[100.0, 110.0, 120.0])
    for kind, container, factor in (("Fluorescence", Fluorescence, 1), ("DfOverF", DfOverF, 2)):
        region = table.create_roi_table_region(region=list(rows), description="all")
        values = factor * VALUES[:, : len(rows)]
        interface = container()
        module.add(interface)
        interface.create_roi_response_series(
            name=f"{kind}Series", data=values.T if turned else values, rois=region, unit="n.a.", rate=10.0
        )
    if spikes:
        file.add_unit_column("good", "whether")
        file.add_unit(spike_times=[0.1, 0.5], good=True)
        file.add_unit(spike_times=[0.7], good=False)
    with pynwb.NWBHDF5IO(str(path), "w") as stream:
        stream.write(file)
    return path


def test_series_of_regions(tmp_path: Path) -> None:
    read = Recording.from_nwb(movie(tmp_path / "a.nwb"))
    assert set(read.traces) == {"FluorescenceSeries", "DfOverFSeries"}
    trace = read["DfOverFSeries"]["data"]
    assert np.array_equal(trace.values[0], 2 * VALUES)
    assert trace["time"].values == pytest.approx(np.arange(FRAMES) / 10)
    assert trace.attrs == {"units": "1", "modality": "dF/F", "indicator": "GCaMP6s", "location": "V1"}
    assert read["FluorescenceSeries"]["data"].attrs["modality"] == "fluorescence"
    units = read.units[read.units["population"] == "DfOverFSeries"]
    assert units["id"].tolist() == [10, 11, 12]
    assert units["accepted"].tolist() == [True, False, True]
    assert units["probability"].tolist() == [0.9, 0.3, 0.8]
    assert units["depth"].tolist() == [100.0, 110.0, 120.0]
    assert "image_mask" not in units
    assert not units["identified"].any()
    cells = read.select("DfOverFSeries", units=read.units["accepted"])
    assert np.array_equal(cells["DfOverFSeries"]["data"].values[0], 2 * VALUES[:, [0, 2]])


def imaged(modality: str = "fluorescence", *, n: int = N, trials: int = 1) -> Recording:
    values = np.arange(trials * FRAMES * n, dtype=np.float32).reshape(trials, FRAMES, n)
    traces = {
        name: trace_array(values * factor, variable=name, unit="1", time=np.arange(FRAMES) / 10.0)
        for name, factor in (("f", 1), ("g", 2))
    }
    for trace in traces.values():
        trace.attrs |= {"modality": modality, "indicator": "GCaMP6f", "location": "CA1"}
    volts = trace_array(values, variable="v", unit="volt", time=np.arange(FRAMES) / 10.0)
    return Recording(traces={"cells": traces, "other": {"v": volts}}, support=(0.0, FRAMES / 10.0))


@pytest.mark.parametrize(("modality", "interface"), [("fluorescence", "Fluorescence"), ("dF/F", "DfOverF")])
@pytest.mark.parametrize("trials", [1, 2])
def test_fluorescence_is_written_where_others_look_for_it(
    modality: str, interface: str, trials: int, tmp_path: Path
) -> None:
    recording = imaged(modality, trials=trials)
    recording.to_nwb(tmp_path / "a.nwb")
    assert Recording.from_nwb(tmp_path / "a.nwb") == recording
    with pynwb.NWBHDF5IO(str(tmp_path / "a.nwb"), "r") as stream:
        file = stream.read()
        held = file.processing["ophys"][interface].roi_response_series
        assert set(held) == {"cells.f", "cells.g"}
        series = held["cells.g"]
        assert np.array_equal(series.data[:FRAMES], recording["cells"]["g"].values[0])
        assert series.rois.table is held["cells.f"].rois.table
        assert series.rois.table["neuron"].data[:].tolist() == [0, 1, 2]
        plane = series.rois.table.imaging_plane
        assert (plane.indicator, plane.location) == ("GCaMP6f", "CA1")
        assert list(file.processing["traces"].data_interfaces) == ["other.v"]
    read = Recording.from_nwb(tmp_path / "a.nwb", series=["cells.f"])  # as anyone's
    assert read["cells.f"]["data"].attrs["modality"] == modality
    assert read["cells.f"]["data"].attrs["indicator"] == "GCaMP6f"
    assert read.units["population"].tolist() == ["cells.f"] * N


def test_what_is_no_series_of_regions_stays_a_variable(tmp_path: Path) -> None:
    for name, recording in (("scored", imaged("calcium, z-scored")), ("wide", imaged(n=FRAMES + 1))):
        recording.to_nwb(tmp_path / f"{name}.nwb")
        assert Recording.from_nwb(tmp_path / f"{name}.nwb") == recording
        with pynwb.NWBHDF5IO(str(tmp_path / f"{name}.nwb"), "r") as stream:
            assert list(stream.read().processing) == ["traces"]


def test_the_inspector_finds_nothing_critical_in_what_was_imaged(tmp_path: Path) -> None:
    inspector = pytest.importorskip("nwbinspector")
    imaged().to_nwb(tmp_path / "a.nwb")
    found = list(inspector.inspect_nwbfile(str(tmp_path / "a.nwb"), importance_threshold=inspector.Importance.CRITICAL))
    assert [message.message for message in found] == []


def test_a_series_of_some_regions(tmp_path: Path) -> None:
    read = Recording.from_nwb(movie(tmp_path / "a.nwb", rows=(2, 0), iscell=False), series=["FluorescenceSeries"])
    assert read.units["id"].tolist() == [12, 10]
    assert read.units["depth"].tolist() == [120.0, 100.0]


@pytest.mark.filterwarnings("ignore:RoiResponseSeries:UserWarning")  # of pynwb, when the file is made
def test_data_that_are_turned_are_turned_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        read = Recording.from_nwb(movie(tmp_path / "a.nwb", turned=True))
    assert np.array_equal(read["FluorescenceSeries"]["data"].values[0], VALUES)
    assert "FluorescenceSeries: its data are (region, time)" in caplog.text


def test_regions_and_units_share_a_table(tmp_path: Path) -> None:
    read = Recording.from_nwb(movie(tmp_path / "a.nwb", spikes=True))
    units = read.units.set_index(["population", "neuron"])
    assert len(units) == 2 + 2 * N
    assert units.loc["units"]["good"].tolist() == [1.0, 0.0]
    assert np.isnan(units.loc["DfOverFSeries"]["good"]).all()
    assert np.isnan(units.loc["units"]["accepted"]).all()
    assert len(read.spikes["units"]) == 3
    read.to_nwb(tmp_path / "copy.nwb")
    assert Recording.from_nwb(tmp_path / "copy.nwb") == read
