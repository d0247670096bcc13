"""A session of our own making that has everything a recording can have, to be written in any form."""

from __future__ import annotations

import numpy as np

from neurosim.datasets.recordings.drawing import renewal_spikes
from neurosim.recording.recording import Recording
from neurosim.recording.spikes import SpikeTrains
from neurosim.recording.support import Support
from neurosim.recording.traces import trace_array

_DURATION, _FRAME_RATE = 40.0, 30.0
_PITCHES = ("low", "high")


def drawn_session(seed: int = 0) -> Recording:
    """Draw a session: 40 s, twenty tones of two pitches, spikes of two areas, calcium of one of them.

    Each neuron of ``cortex`` answers to one of the pitches with a burst 50 to 250 ms after it, those of ``thalamus`` to
    both. ``cortex`` was also imaged: its trace ``fluorescence`` rises with each spike by 0.1 and falls with 0.5 s. From
    22 to 23 s nothing was observed.

    Parameters
    ----------
    seed
        Another seed draws another session with the same truth.

    Returns
    -------
    Recording
        For `Recording.to_nwb`, `to_neo`, `to_pynapple`, `to_sonata` and ``to_suite2p(..., population="cortex")``. Its
        metadata say that it is ``synthetic``.

    Examples
    --------
    >>> session = drawn_session()
    >>> session.per_trial("tone", (-0.2, 0.5)).n_trials
    20
    """
    rng = np.random.default_rng(seed)
    onsets = 1.0 + 1.9 * np.arange(20)
    pitch = rng.permutation(np.repeat(_PITCHES, 10))
    observed = Support([0.0, 23.0], [22.0, _DURATION])
    cortex = [_answering(rng, onsets[pitch == _PITCHES[neuron % 2]], 2.0 + neuron / 4) for neuron in range(12)]
    thalamus = [_answering(rng, onsets, 8.0) for _ in range(5)]
    frames = np.arange(round(_DURATION * _FRAME_RATE)) / _FRAME_RATE
    rise = np.stack([np.histogram(times, np.append(frames, _DURATION))[0] for times in cortex], axis=1)
    kernel = 0.1 * np.exp(-np.arange(round(3 * _FRAME_RATE)) / (0.5 * _FRAME_RATE))
    transients = np.stack([np.convolve(column, kernel)[: frames.size] for column in rise.T], axis=1)
    fluorescence = trace_array(
        (1.0 + transients + rng.normal(0, 0.02, transients.shape))[np.newaxis].astype(np.float32),
        variable="fluorescence",
        unit="1",
        time=frames,
    )
    fluorescence.attrs["modality"] = "fluorescence"
    neurons = np.concatenate([np.arange(12), np.arange(5)])
    return Recording(
        {name: _trains(times, observed) for name, times in (("cortex", cortex), ("thalamus", thalamus))},
        {"cortex": {"fluorescence": fluorescence}},
        None,
        {
            "session_description": "drawn from random numbers; nothing was measured",
            "synthetic": True,
            "seed": seed,
            "licence": "Apache-2.0 (part of neurosim)",
            "citation": "Drawn by neurosim; nothing was measured",
        },
        support=observed,
        intervals={"epochs": {"start": [0.0, 23.0], "stop": [22.0, _DURATION], "state": ["quiet", "running"]}},
        events={"tone": {"time": onsets, "pitch": pitch.tolist()}},
        units={
            "population": ["cortex"] * 12 + ["thalamus"] * 5,
            "neuron": neurons,
            "id": [f"u{number}" for number in range(17)],
            "identified": np.zeros(17, dtype=np.bool_),
            "quality": ["good" if neuron % 4 else "multi" for neuron in neurons],
        },
    )


def _answering(rng: np.random.Generator, onsets: np.ndarray, rate: float) -> np.ndarray:
    """Return spikes of a neuron at its own rate, and about four more after each onset."""
    own = renewal_spikes(rng, rate, _DURATION, 2e-3)
    counts = rng.poisson(4, onsets.size)
    more = np.repeat(onsets, counts) + rng.uniform(0.05, 0.25, counts.sum())
    return np.sort(np.concatenate([own, more[more < _DURATION]]))


def _trains(times: list[np.ndarray], observed: Support) -> SpikeTrains:
    every = np.concatenate(times)
    neurons = np.repeat(np.arange(len(times)), [one.size for one in times])
    kept = observed.contains(every, np.zeros(every.size, np.int64))
    return SpikeTrains(every[kept], neurons[kept], len(times), support=observed)
