"""Ctrl-C during a run: what was recorded is kept, and the run goes on from there as if nothing had been."""

from __future__ import annotations

import signal
import threading
from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.backends.interruption import Stop
from neurosim.recording import concatenate
from neurosim.units import ms, mV

STEPS = 600
BACKENDS = ("brian2", "snntorch")
RECORD = {"cells": ["spikes", "v", ns.Record("fast", every=1.5 * ms, reduce="mean")], "map": "spikes"}


def network() -> ns.Circuit:
    circuit = ns.Circuit("stopped", dt=0.5 * ms, seed=2)
    cell = ns.models.lif(
        tau_mem=10 * ms, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-60 * mV, tau_ref=2 * ms,
        receptors={"fast": 5 * ms},
    )  # fmt: skip
    cells = circuit.population("cells", 6, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    circuit.population("map", 5, ns.models.izhikevich_map(noise_std=6.0))
    circuit.connect(
        "cells", "cells", ns.FixedProbability(0.5), receptor="fast", weight=3 * mV, delay=ns.Uniform(0 * ms, 4 * ms)
    )
    circuit.inject("bias", cells, "i_ext", ns.Step(12 * mV))
    return circuit


def stop_at(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Send this process a SIGINT when a run asks for the `steps`-th time whether it is to stop."""
    asked = 0

    def requested(stop: Any) -> bool:
        nonlocal asked
        asked += 1
        if asked == steps:
            signal.raise_signal(signal.SIGINT)
        return bool(stop.__dict__["requested"])

    def keep(stop: Any, value: bool) -> None:
        stop.__dict__["requested"] = value

    monkeypatch.setattr(Stop, "requested", property(requested, keep), raising=False)


@pytest.mark.parametrize(
    ("backend", "trials", "asked"),
    [
        *((backend, *given) for backend in BACKENDS for given in [(1, 1), (1, 301), (1, 256), (3, 1100)]),
        ("compiled", 1, 1),  # which asks once a chunk
        ("compiled", 3, 3),
    ],
)
def test_a_stopped_run_goes_on(backend: str, trials: int, asked: int, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {} if backend == "brian2" else {"dtype": "float64", "training": False}
    options |= {"snntorch": {"fused": "never"}, "compiled": {"fused": "always"}}.get(backend, {})
    backend = "snntorch" if backend == "compiled" else backend
    arguments: dict[str, Any] = {"record": RECORD, "seed": 3, "trials": trials}
    whole = ns.compile(network(), backend=backend, **options).run(STEPS * 0.5 * ms, **arguments)
    simulator = ns.compile(network(), backend=backend, **options)  # whose first run does not know how fast it is
    assert len(whole.spikes["cells"]) > 50
    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patched:
        stop_at(patched, asked if backend == "brian2" else asked // trials)
        with pytest.raises(ns.RunInterrupted, match=r"go on with state=") as caught:
            simulator.run(STEPS * 0.5 * ms, **arguments)
    part = caught.value.recording
    done = part.metadata["n_steps"]
    assert 0 < done < STEPS
    assert done + caught.value.remaining == STEPS
    assert part.state is not None
    assert part.state.step == done
    rest = simulator.run(caught.value.remaining * 0.5 * ms, state=part.state, **arguments)
    joined = concatenate(part, rest)
    assert joined == whole
    assert signal.getsignal(signal.SIGINT) is before


def test_trials_stop_at_the_same_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Brian2 trials take turns; a block that not all have done is left out, and without any there is nothing."""
    simulator = ns.compile(network(), backend="brian2")
    with monkeypatch.context() as patched:
        stop_at(patched, 2 * 256 + 1 + 30)
        with pytest.raises(ns.RunInterrupted) as caught:
            simulator.run(STEPS * 0.5 * ms, trials=2)
    assert caught.value.recording.metadata["n_steps"] == 256
    with monkeypatch.context() as patched:
        stop_at(patched, 300)
        with pytest.raises(KeyboardInterrupt) as stopped:
            simulator.run(STEPS * 0.5 * ms, trials=2)
    assert not isinstance(stopped.value, ns.RunInterrupted)


def test_a_second_one_stops_at_once() -> None:
    with Stop() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_handlers_of_others_are_left_alone() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        with Stop() as stop:
            signal.raise_signal(signal.SIGINT)
        assert heard == [signal.SIGINT]
        assert not stop.requested
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread() -> None:
    found: list[np.ndarray] = []

    def run() -> None:
        found.append(ns.simulate(network(), 5 * ms, backend="snntorch").state.variables["cells"]["v"])  # type: ignore[union-attr]

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert len(found) == 1
