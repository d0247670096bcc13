"""A cortical neuron at steps of current through a patch electrode: Igor waves of current and voltage for each sweep."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurosim.datasets.recordings.igor_waves import Wave, read_wave, write_wave
from neurosim.errors import FileFormatError
from neurosim.recording.recording import Recording
from neurosim.recording.spikes import SpikeTrains
from neurosim.recording.traces import trace_array

_CURRENT, _VOLTAGE = "B6_Ch0_IDRest_", "B6_Ch3_IDRest_"
_SCALES = {"mV": 1e-3, "V": 1.0, "pA": 1e-12, "nA": 1e-9, "A": 1.0}
_ONSET, _STEP = 0.7, 2.0  # s
_SPIKE = 0.0  # V


def read(folder: Path) -> Recording:
    """Read all sweeps.

    Returns
    -------
    Recording
        A trial for each sweep: the traces ``v`` (V) and ``i_ext`` (A) of ``cell``, and its spikes, which are the first
        samples at or above 0 mV. ``intervals["step"]`` says when the current was stepped, to what (``current``, A)
        and from what (``holding``, A).
    """
    sweeps = sorted(
        int(found[1]) for path in folder.glob(f"{_VOLTAGE}*.ibw") if (found := re.search(r"_(\d+)\.ibw$", path.name))
    )
    if not sweeps:
        raise FileFormatError(f"{folder}: holds no {_VOLTAGE}*.ibw.")
    pairs = [[read_wave(folder / f"{name}{sweep}.ibw") for name in (_CURRENT, _VOLTAGE)] for sweep in sweeps]
    first = pairs[0][1]
    for sweep, pair in zip(sweeps, pairs, strict=True):
        if any(wave.values.size != first.values.size or wave.step != first.step for wave in pair):
            raise FileFormatError(f"{folder}: sweep {sweep} has another length or step than sweep {sweeps[0]}.")
    current, voltage = (np.stack([_in_si(pair[place]) for pair in pairs]) for place in (0, 1))
    n = first.values.size
    times = np.arange(n) * first.step
    inside = (times >= _ONSET) & (times < _ONSET + _STEP)
    before = times < _ONSET
    trials, samples = np.nonzero((voltage[:, 1:] >= _SPIKE) & (voltage[:, :-1] < _SPIKE))
    return Recording(
        {
            "cell": SpikeTrains(
                times[samples + 1], np.zeros(samples.size, np.int64), 1, trials, len(sweeps), duration=n * first.step
            )
        },
        {
            "cell": {
                "v": trace_array(voltage[..., np.newaxis], variable="v", unit="volt", time=times),
                "i_ext": trace_array(current[..., np.newaxis], variable="i_ext", unit="amp", time=times),
            }
        },
        None,
        {"sweeps": sweeps, "spike_threshold": _SPIKE},
        intervals={
            "step": {
                "start": np.full(len(sweeps), _ONSET),
                "stop": np.full(len(sweeps), _ONSET + _STEP),
                "trial": np.arange(len(sweeps)),
                "current": np.median(current[:, inside], axis=1),
                "holding": np.median(current[:, before], axis=1),
            }
        },
    )


def draw(folder: Path) -> None:
    """Write three sweeps of a leaky integrator with a threshold that rises after each spike."""
    dt, n = 0.25e-3, 12_000
    times = np.arange(n) * dt
    for sweep, amplitude in ((181, 0.12e-9), (182, 0.18e-9), (183, 0.24e-9)):
        rng = np.random.default_rng(sweep)
        current = np.where((times >= _ONSET) & (times < _ONSET + _STEP), amplitude, 0.0)
        measured = current - 12.5e-12 + rng.normal(0, 3e-12, n)
        voltage = _integrate(current, dt) + rng.normal(0, 1e-4, n)
        write_wave(folder / f"{_CURRENT}{sweep}.ibw", Wave(measured * 1e12, dt, "pA", "drawn by neurosim"))
        write_wave(folder / f"{_VOLTAGE}{sweep}.ibw", Wave(voltage * 1e3, dt, "mV", "drawn by neurosim"))


def _integrate(current: NDArray[np.float64], dt: float) -> NDArray[np.float64]:
    """Return the voltage of a neuron of 200 Mohm and 20 ms; its spikes are one sample at 20 mV."""
    v, threshold = -0.070, -0.050
    voltage = np.empty(current.size)
    for step, injected in enumerate(current):
        v += dt / 20e-3 * (-0.070 - v + 200e6 * injected)
        threshold += dt / 100e-3 * (-0.050 - threshold)
        voltage[step] = v
        if v > threshold:
            voltage[step], v = 0.020, -0.065
            threshold += 2e-3
    return voltage


def _in_si(wave: Wave) -> NDArray[np.float64]:
    if wave.unit not in _SCALES:
        raise FileFormatError(f"cortex-patch: a wave has the unit {wave.unit!r}; known: {', '.join(_SCALES)}.")
    return wave.values * _SCALES[wave.unit]
