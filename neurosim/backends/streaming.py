"""Long runs: simulated and written to a store part by part, to go on from the last one after any interruption."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.backends.interruption import RunInterrupted
from neurosim.errors import RecordError
from neurosim.recording import Recording, RecordingBuilder, RecordPlan, State
from neurosim.recording.memory import byte_text
from neurosim.recording.parts import Growing
from neurosim.recording.planning import check_memory
from neurosim.recording.values import to_numpy

if TYPE_CHECKING:
    from neurosim.backends.simulator import Run

#: Steps of the first part, and what the number of steps of any other is a multiple of.
PART_STEPS = 256
#: What a part should take to simulate, in seconds: that much is lost if the process is killed.
PART_SECONDS = 10.0
#: Bytes of traces that a part may hold, and so the memory that a run records into.
PART_BYTES = 64_000_000

Progress = Callable[[int, int], None]
Simulate = Callable[["Run", RecordingBuilder, Progress | None], State]


def run_in_parts(
    run: Run,
    simulate: Simulate,
    metadata: Mapping[str, Any],
    store: str | Path,
    *,
    parameters: str,
    resume: bool,
    progress: Progress | None,
) -> Recording:
    """Run to the end, each part written before the next begins.

    Parameters
    ----------
    run
        The whole run.
    simulate
        Runs a part of it, and fills a builder.
    metadata
        Of the recording.
    store
        Folder to write to.
    parameters
        Checksum of what the simulator computes with beside the circuit.
    resume
        Whether to go on with a run that is there.
    progress
        Called with (steps done, steps in all), of the whole run.

    Returns
    -------
    Recording
        As loaded from the store: traces stay on disk until they are indexed.

    Raises
    ------
    RunInterrupted
        At Ctrl-C, with the recording of what is in the store.
    FileFormatError
        Before anything is touched, if the store is there and is not that of this run, or not to be gone on with.
    RecordError
        If a part does not fit into memory, or the traces not on the disk.
    """
    end = run.start + run.n_steps
    check_memory(_plan(run, run.start, 1), None)
    growing = Growing(store, {**metadata, **identity(run), "parameters": parameters}, resume=resume)
    if not growing.path.exists():
        _check_disk(run.plan, growing.path.parent)
    with run.stop, growing:
        state = growing.state or run.state
        steps = PART_STEPS
        while state.step < end:
            part = run.part(state, min(steps, _most_steps(run), end - state.step))
            builder = RecordingBuilder(part.plan)
            started = time.perf_counter()
            try:
                state = simulate(part, builder, _shifted(progress, part, run))
            except KeyboardInterrupt:
                break  # before its first step was done
            growing.append(builder.finish(None, metadata, n_steps=state.step - part.start), state)
            seconds = max(time.perf_counter() - started, 1e-6)
            wanted = part.n_steps * PART_SECONDS / seconds
            steps = PART_STEPS * max(1, int(min(wanted, 4 * part.n_steps)) // PART_STEPS)
            if run.stop.requested:
                break
        if growing.count == 0:
            raise KeyboardInterrupt
    recording = Recording.load(store)
    if state.step < end:
        raise RunInterrupted(recording, end - state.step, store=str(store))
    return recording


def identity(run: Run) -> dict[str, Any]:
    """Return, beside a recording's metadata, what makes two runs the same: JSON values."""
    plan = asdict(run.plan, dict_factory=lambda items: {key: _plain(value) for key, value in items})
    record = {name: value for name, value in plan.items() if name not in ("dt", "start_step", "n_steps", "trials")}
    state = run.state.map(lambda array: np.ascontiguousarray(to_numpy(array)))
    return {
        "dt": run.plan.dt,
        "trials": run.trials,
        "start_step": run.start,
        "n_steps": run.n_steps,
        "record": record,
        "inputs": run.inputs.digest(),
        "start": digest(dict(state.arrays())),
    }


def digest(arrays: Mapping[str, np.ndarray], facts: Any = None) -> str:
    """Return the SHA-256 of named arrays, and of JSON values."""
    total = sha256(json.dumps(facts, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        whole = np.asarray(array, order="C")
        total.update(f"{name} {whole.dtype.str} {whole.shape} ".encode())
        total.update(whole.reshape(-1).view(np.uint8).data)
    return total.hexdigest()


def _plain(value: Any) -> Any:
    """Return what a plan holds as JSON values."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, frozenset):
        return sorted(value)
    return dict(value) if isinstance(value, Mapping) else value


def _plan(run: Run, start: int, n_steps: int) -> RecordPlan:
    return replace(run.plan, start_step=start, n_steps=n_steps)


def _most_steps(run: Run) -> int:
    """Return how many steps a part may have, so that its traces keep within bounds."""
    per_block = _plan(run, 0, PART_STEPS).bytes
    return PART_STEPS * max(1, PART_BYTES // per_block if per_block else sys.maxsize // PART_STEPS)


def _check_disk(plan: RecordPlan, folder: Path) -> None:
    free = shutil.disk_usage(folder).free if folder.is_dir() else plan.bytes
    if plan.bytes > free:
        raise RecordError(
            f"The traces would take {byte_text(plan.bytes)}, but {folder} has {byte_text(free)} left. Record fewer "
            f"neurons (neurons=slice(10)), less often (every=), or reduced (reduce='mean').\n{plan.describe()}"
        )


def _shifted(progress: Progress | None, part: Run, run: Run) -> Progress | None:
    if progress is None:
        return None
    before = part.start - run.start
    return lambda done, total: progress(before * (total // part.n_steps) + done, run.n_steps * (total // part.n_steps))
