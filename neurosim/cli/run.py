"""`neurosim run`: simulate a circuit on one backend."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import UseAppendAction, arg

from neurosim.cli.options import RunOptions, optional
from neurosim.errors import FileFormatError

if TYPE_CHECKING:
    from neurosim.circuit.circuit import Circuit
    from neurosim.recording import Recording, State

#: File in the folder of --out.
RECORDING = "recording.zarr"


@dataclass(frozen=True, kw_only=True)
class RunCommand(RunOptions):
    """Simulate a circuit on one backend."""

    backend: Annotated[str, arg(metavar="NAME")] = "brian2"
    """brian2, brian2:cython, brian2:cpp_standalone, or snntorch."""
    record: Annotated[
        tuple[str, ...],
        arg(
            metavar="ADDRESS",
            help="What to record, such as exc.spikes or exc.v; may be given again. By default what the circuit "
            "suggests, else all spikes and the first variable of populations that do not spike.",
            help_behavior_hint="",
        ),
        UseAppendAction,
    ] = ()
    dtype: Annotated[str | None, optional("TYPE", "float64")] = None
    """Of the snntorch backend: float64 or float32."""
    device: Annotated[str | None, optional("NAME", "cpu")] = None
    """Of the snntorch backend: any torch device."""
    state: Annotated[Path | None, optional("FILE", "")] = None
    """Go on from where a saved recording or state ends (.zarr); give the same --seed and --trials."""

    store: Annotated[Path | None, optional("DIR", "")] = None
    """For long runs: write the recording to this folder (.zarr) part by part, so that it can go on after any stop."""
    resume: bool = False
    """Go on with the run in --store."""

    def __call__(self, command: Sequence[str]) -> int:
        """Run the verb; return the exit code."""
        from neurosim.backends import RunInterrupted
        from neurosim.backends import compile as compile_circuit
        from neurosim.cli import figures
        from neurosim.cli.backend import backend_options
        from neurosim.cli.circuits import load_circuit
        from neurosim.cli.manifest import manifest
        from neurosim.cli.progress import progress
        from neurosim.cli.results import Results

        started = time.perf_counter()
        if self.store is not None and self.out is not None:
            raise FileFormatError("--store keeps the recording itself; leave --out out.")
        backend, options = backend_options(self.backend, dtype=self.dtype, device=self.device)
        named = load_circuit(self.circuit, self.settings, self.step())
        results = Results(self.out, overwrite=self.overwrite)
        store = results.in_folder(RECORDING)
        plot = self.plot_path(named.circuit.name)
        if plot is not None:
            figures.check_plot(results.announce(plot))
        duration = self.duration_of(named.duration)
        start = None if self.state is None else load_state(self.state)
        record: Any = list(self.record) or dict(named.record) or default_record(named.circuit)
        with progress() as report:
            simulator = compile_circuit(named.circuit, backend, **options)
            remaining = None
            try:
                recording = simulator.run(
                    duration, record=record, seed=self.seed, trials=self.trials, state=start,
                    store=self.store, resume=self.resume,
                    progress=None if report is None else lambda done, total: report(self.backend, done, total),
                )  # fmt: skip
            except RunInterrupted as stopped:
                recording = stopped.recording
                remaining = stopped.remaining * recording.metadata["dt"]
        writers: dict[Any, Any] = {} if store is None else {store: recording.save}
        if plot is not None:
            own = None if self.record else named.figures
            drawn = figures.figure({self.backend: recording}, named.circuit, own)
            writers[plot] = lambda path: figures.save(drawn, path)
        facts = manifest(
            command, named, duration=recording.metadata["duration"], seed=self.seed,
            trials=self.trials, backend=_facts(recording), seconds=round(time.perf_counter() - started, 3),
        )  # fmt: skip
        if remaining is not None:
            facts["remaining"] = remaining
        results.write(writers, facts)
        files = [str(path) for path in (*([] if self.store is None else [self.store]), *results.files)]
        if self.json:
            print(json.dumps(summary(recording, named.circuit.name, self.backend, files), allow_nan=False))
        else:
            print("\n".join([repr(recording), *(f"wrote {path}" for path in files)]))
        if remaining is not None:
            print(f"neurosim: {how_to_go_on(recording, remaining, store, self.store)}", file=sys.stderr)
            return 130
        return 0


def load_state(path: Path) -> State:
    """Return the state in a file, or at the end of the recording in it.

    Raises
    ------
    FileFormatError
        If there is none.
    """
    from neurosim.recording import Recording, State

    try:
        return State.load(path)
    except FileFormatError:
        state = Recording.load(path).state
    if state is None:
        raise FileFormatError(f"--state {path}: this recording holds no state to go on from.")
    return state


def how_to_go_on(recording: Recording, remaining: float, kept: Path | None, store: Path | None = None) -> str:
    """Return what is left of a run that was interrupted, and how to do it.

    Parameters
    ----------
    recording
        What was recorded until then.
    remaining
        In seconds.
    kept
        Where the recording is, if it was kept.
    store
        The store that the run was written to, if it was.
    """
    done = recording.metadata["duration"]
    text = f"interrupted after {1e3 * done:.9g} ms of {1e3 * (done + remaining):.9g} ms"
    if store is not None:
        return f"{text}; to go on, give the same command with --resume"
    if kept is None:
        return f"{text}; nothing was kept, give --out or --store to keep what is recorded"
    return (
        f"{text}; to go on, give the same command with --state {kept} --duration {1e3 * remaining:.9g}ms and another "
        "--out"
    )


def _facts(recording: Recording) -> dict[str, Any]:
    """Return how the backend ran."""
    names = ("backend", "target", "device", "dtype", "exact", "methods")
    return {name: recording.metadata[name] for name in names if name in recording.metadata}


def default_record(circuit: Circuit) -> dict[str, list[str]]:
    """Return what is recorded unasked: all spikes, and the first variable of populations that do not spike."""
    record: dict[str, list[str]] = {}
    for name, part in circuit.populations.items():
        if part.spiking:
            record[name] = ["spikes"]
        elif part.first_variable is not None:
            record[name] = [part.first_variable]
    return record


def summary(recording: Recording, circuit: str, backend: str, files: Sequence[str]) -> Mapping[str, Any]:
    """Return the outcome of a run as JSON values."""
    metadata = recording.metadata
    rates = {name: trains.mean_rate() for name, trains in recording.spikes.items() if trains.n}
    return {
        "circuit": circuit,
        "backend": backend,
        "duration": metadata["duration"],
        "dt": metadata["dt"],
        "seed": metadata["seed"],
        "trials": metadata["trials"],
        "spikes": {name: len(trains) for name, trains in recording.spikes.items()},
        "rates": rates,
        "traces": [f"{name}.{variable}" for name, group in recording.traces.items() for variable in group],
        "circuit_digest": metadata["circuit_digest"],
        "files": list(files),
    }
