from __future__ import annotations

import dataclasses
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import xarray

from neurosim.errors import RecordError
from neurosim.recording import Recording, SpikeTrains
from neurosim.recording.traces import trace_array


def small(**changes: Any) -> Recording:
    fields: dict[str, Any] = {
        "spikes": {"exc": SpikeTrains([0.01], [0], 2, duration=0.1)},
        "traces": {"exc": {"v": trace_array(np.zeros((1, 3, 2)), variable="v", unit="volt", time=np.arange(3) * 0.1)}},
        "metadata": {"backend": "toy", "dt": 0.1},
    }
    return Recording(**{**fields, **changes})


def test_both_ways_in_lead_to_the_same(toy_run: Any) -> None:
    recording = toy_run()
    assert recording["exc"]["v"] is recording.traces["exc"]["v"]
    assert recording["exc"]["spikes"] is recording.spikes["exc"]
    assert list(recording["exc"]) == ["spikes", "v", "g"]
    assert list(recording["exc_to_inh"]) == ["w"]
    assert list(recording) == list(recording.objects) == ["exc", "column/inh", "exc_to_inh"]
    assert "exc_to_inh" in recording
    assert "graded" not in recording


def test_variables_of_one_object_have_their_own_times_and_neurons(toy_run: Any) -> None:
    exc = toy_run()["exc"]
    assert exc["v"].shape == (2, 7, 2)
    assert exc["g"].shape == (2, 20)


def test_unknown_names_say_what_there_is(toy_run: Any) -> None:
    recording = toy_run()
    for look in (lambda: recording["exx"], lambda: recording.spikes["exx"], lambda: recording.traces["exx"]):
        with pytest.raises(RecordError, match=r"'exx' in this recording. Did you mean 'exc'"):
            look()
    with pytest.raises(RecordError, match=r"No record 'vv' of 'exc'. Did you mean 'v'\? Known: g, spikes, v\.$"):
        recording["exc"]["vv"]
    with pytest.raises(KeyError):
        recording["exc"]["vv"]
    assert recording["exc"].get("vv") is None


def test_frozen(toy_run: Any) -> None:
    recording = toy_run()
    with pytest.raises(dataclasses.FrozenInstanceError):
        recording.state = None
    with pytest.raises(ValueError, match="copy"):
        recording["exc"]["v"][0, 0, 0] = 1.0
    with pytest.raises(TypeError):
        recording.metadata["seed"] = 5


def test_equal_by_value(toy_run: Any) -> None:
    assert toy_run() == toy_run()
    assert pickle.loads(pickle.dumps(toy_run())) == toy_run()
    assert small() == small()
    assert small() != "recording"


@pytest.mark.parametrize(
    "change",
    [
        {"spikes": {}},
        {"spikes": {"exc": SpikeTrains([0.01], [1], 2, duration=0.1)}},
        {"traces": {}},
        {"traces": {"exc": {}}},
        {"traces": {"exc": {"v": trace_array(np.ones((1, 3, 2)), variable="v", unit="volt", time=np.arange(3) * 0.1)}}},
        {"traces": {"exc": {"v": trace_array(np.zeros((1, 3, 2)), variable="v", unit="amp", time=np.arange(3) * 0.1)}}},
        {
            "traces": {
                "exc": {"v": trace_array(np.zeros((1, 3, 2)), variable="v", unit="volt", time=np.arange(3) * 0.2)}
            }
        },
        {
            "traces": {
                "exc": {
                    "v": trace_array(
                        np.zeros((1, 3, 2), np.float32), variable="v", unit="volt", time=np.arange(3) * 0.1
                    )
                }
            }
        },
        {"metadata": {"backend": "toy", "dt": 0.2}},
    ],
    ids=["no spikes", "spikes", "no traces", "no trace", "values", "unit", "time", "dtype", "metadata"],
)
def test_every_part_counts_for_equality(change: dict[str, Any]) -> None:
    assert small(**change) != small()


def test_nan_equals_nan() -> None:
    holes = {"exc": {"v": trace_array(np.full((1, 1, 1), np.nan), variable="v", unit="volt", time=np.zeros(1))}}
    assert small(traces=holes) == small(traces=holes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spikes": {"exc": [0.1]}}, r"spikes\['exc'\] must be SpikeTrains, got list"),
        ({"traces": {"exc": {"v": np.zeros(3)}}}, r"traces\['exc'\]\['v'\] must be an xarray.DataArray"),
        (
            {"traces": {"exc": {"v": xarray.DataArray(np.zeros((3, 1)), dims=("time", "trial"))}}},
            r"begin with .*\(trial, time\)",
        ),
        (
            {"traces": {"exc": {"v": xarray.DataArray(np.zeros((1, 3)), dims=("trial", "time"))}}},
            "needs a coordinate 'time'",
        ),
        (
            {
                "traces": {
                    "exc": {"v": xarray.DataArray(np.zeros((1, 1)), coords={"time": [0.0]}, dims=("trial", "time"))}
                }
            },
            r"needs its unit in attrs\['units'\]",
        ),
        ({"metadata": {"when": object()}}, "metadata must be JSON values"),
        ({"metadata": {"rate": float("nan")}}, "metadata must be JSON values"),
    ],
)
def test_bad_content_says_what_is_wrong(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        small(**change)


def test_rates(toy_run: Any) -> None:
    recording = toy_run()
    rates = recording.rates()
    assert list(rates) == ["exc", "column/inh"]
    assert rates["exc"].dims == ("trial", "neuron")
    expected = len(recording.spikes["exc"]) / (2 * 7 * 20 * 1e-4)
    assert float(rates["exc"].mean()) == pytest.approx(expected)
    assert recording.population_rate("exc", 5e-4).shape == (2, 4)
    with pytest.raises(RecordError, match=r"No spikes of 'exx' in this recording. Did you mean 'exc'"):
        recording.population_rate("exx", 5e-4)


def test_repr_fits_a_screen(toy_run: Any) -> None:
    lines = repr(toy_run()).splitlines()
    assert lines[0] == "Recording(toy, 0.002 s from 0 s, dt 0.0001 s, 2 trials, seed 3)"
    assert "v [volt] 2 trial x 7 time x 2 neuron; g [siemens] 2 trial x 20 time" in lines[1]
    assert "spikes of 7 neurons (" in lines[1]
    many = Recording(spikes={f"p{index}": SpikeTrains([], [], 1) for index in range(99)})
    lines = repr(many).splitlines()
    assert len(lines) == 22
    assert lines[-1] == "  ... and 79 more"


def test_light_parts_load_nothing_heavy() -> None:
    code = (
        "import sys; from neurosim.recording import Record, RecordingBuilder, SpikeTrains, plan_recording\n"
        "SpikeTrains([0.1], [0], 1, duration=1.0).mean_rate()\n"
        "heavy = {'xarray', 'zarr', 'matplotlib', 'pandas', 'brian2', 'torch'} & sys.modules.keys()\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
