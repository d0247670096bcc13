"""A recording that grows on disk while a run goes on: part after part, each whole or not there at all.

Layout: the root's attributes hold ``format``, ``version``, ``identity`` (what is run: two runs with the same identity
record the same) and its ``digest``. ``parts/000000``, ``parts/000001``, ... are recordings as `Recording.save` writes
them; ``states/<number of parts>.zip`` is the state after the last one. A part counts from the moment in which it gets
its name, and its state is there by then, so that a process may be killed at any time.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from functools import partial, reduce
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from neurosim.errors import FileFormatError
from neurosim.recording.counting import joined_rates
from neurosim.recording.files import (
    RECORDING,
    load_state,
    save_recording,
    save_state,
    spike_columns,
    trace_from,
    trace_paths,
)
from neurosim.recording.recording import Recording
from neurosim.recording.spikes import SpikeTrains
from neurosim.recording.state import State
from neurosim.recording.store import describe_tree, read_arrays
from neurosim.recording.values import Deferred

if TYPE_CHECKING:
    import xarray

RUN = "neurosim-run"
VERSION = 1
#: What may differ between the process that began a run and the one that goes on.
_OF_A_PROCESS = ("versions",)


class Growing:
    """The store of a run that is being recorded; a context, within which no other process may write to it.

    Parameters
    ----------
    path
        A folder.
    identity
        JSON values that say what is run. ``dt``, ``start_step`` and ``n_steps`` are among them.
    resume
        Go on with a store that exists.

    Raises
    ------
    FileFormatError
        Before anything is touched: if the store exists and is not to be gone on with, is of another run, or is being
        written to by another process.
    """

    def __init__(self, path: str | Path, identity: Mapping[str, Any], *, resume: bool) -> None:
        self.path = Path(path)
        self.identity: dict[str, Any] = json.loads(json.dumps(dict(identity)))
        if self.path.exists():
            if not resume:
                raise FileFormatError(
                    f"store={str(self.path)!r} exists already. Give resume=True to go on with the run in it, or choose "
                    "another name."
                )
            self._check()
        elif not self.path.parent.is_dir():
            raise FileFormatError(f"{self.path.parent} is not a folder; create it first.")
        elif self.path.suffix == ".zip":
            raise FileFormatError(
                f"store={str(self.path)!r}: a run is written to a folder, such as run.zarr, not a file."
            )

    def __enter__(self) -> Growing:
        """Make the store if there is none, keep others out, and clear away what a killed process left."""
        if not self.path.exists():
            self._create()
        self._lock = (self.path / ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise FileFormatError(f"{self.path} is being written to by another process.") from None
        for folder in ("parts", "states"):
            for left in (self.path / folder).glob(".*.partial"):
                shutil.rmtree(left, ignore_errors=True)
        self.count = len(part_folders(self.path))
        self._drop_states()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let others in."""
        self._lock.close()

    @property
    def state(self) -> State | None:
        """The state after the last part; None before the first."""
        return load_state(_state_after(self.path, self.count)) if self.count else None

    def append(self, part: Recording, state: State) -> None:
        """Add the recording of the steps after the last part, and the state at their end."""
        save_state(state, _state_after(self.path, self.count + 1), overwrite=True)
        save_recording(part, self.path / "parts" / _number(self.count))
        self.count += 1
        self._drop_states()

    def _drop_states(self) -> None:
        """Remove every state but the one after the last part."""
        for file in (self.path / "states").glob("[0-9]*"):
            if file != _state_after(self.path, self.count):
                file.unlink()

    def _check(self) -> None:
        known = {name: value for name, value in read_identity(self.path).items() if name not in _OF_A_PROCESS}
        asked = {name: value for name, value in self.identity.items() if name not in _OF_A_PROCESS}
        other = [name for name in (*asked, *(known.keys() - asked.keys())) if known.get(name) != asked.get(name)]
        if other:
            told = "; ".join(
                f"{name} {_short(known.get(name))} there, {_short(asked.get(name))} here" for name in other
            )
            raise FileFormatError(
                f"{self.path} holds another run, which this one cannot go on with: {told}. Give the arguments it began "
                "with, or choose another store."
            )

    def _create(self) -> None:
        import zarr

        with tempfile.TemporaryDirectory(
            prefix=f".{self.path.name}.", suffix=".partial", dir=self.path.parent
        ) as scratch:
            root = zarr.create_group(
                Path(scratch) / "new",
                zarr_format=3,
                attributes={
                    "format": RUN, "version": VERSION, "identity": self.identity, "digest": _digest(self.identity),
                },
            )  # fmt: skip
            for name in ("parts", "states"):
                root.create_group(name)
            (Path(scratch) / "new").rename(self.path)


def is_run(path: str | Path) -> bool:
    """Tell whether a path is the store of a run in parts."""
    try:
        attributes = json.loads((Path(path) / "zarr.json").read_text(encoding="utf-8")).get("attributes", {})
    except (OSError, ValueError, AttributeError):
        return False
    return bool(attributes.get("format") == RUN)


def read_identity(path: Path) -> dict[str, Any]:
    """Return what a store says is run in it.

    Raises
    ------
    FileFormatError
        If it is no such store, or of another version, or edited.
    """
    if not is_run(path):
        raise FileFormatError(f"{path} is no store of a run in parts.")
    attributes = json.loads((path / "zarr.json").read_text(encoding="utf-8"))["attributes"]
    if attributes.get("version") != VERSION:
        raise FileFormatError(
            f"{path} is a {RUN} store of version {attributes.get('version')!r}; this neurosim reads version {VERSION}. "
            "Use the neurosim that wrote it."
        )
    identity: dict[str, Any] = attributes.get("identity", {})
    if attributes.get("digest") != _digest(identity):
        raise FileFormatError(f"{path}: the attributes in zarr.json do not match their digest; they have been edited.")
    return identity


def part_folders(path: Path) -> list[Path]:
    """Return the parts in order.

    Raises
    ------
    FileFormatError
        If one is missing.
    """
    found = sorted((path / "parts").glob("[0-9]*"))
    for number, folder in enumerate(found):
        if folder.name != _number(number):
            raise FileFormatError(f"{path}: part {_number(number)} is missing. Restore the store from where it came.")
    return found


class Part(NamedTuple):
    """One part: where it lies, and its checked description."""

    path: Path
    description: dict[str, Any]

    @property
    def content(self) -> dict[str, Any]:
        """What `Recording.save` noted."""
        found: dict[str, Any] = self.description["content"]
        return found


def open_run(path: str | Path) -> Recording:
    """Return the recording in a store of parts; spikes are read when they are asked for, traces where they are indexed.

    Raises
    ------
    FileFormatError
        If the store is damaged, or has no part yet.
    """
    source = Path(path)
    read_identity(source)
    parts = [Part(folder, describe_tree(folder, RECORDING)) for folder in part_folders(source)]
    if not parts:
        raise FileFormatError(f"{source} has no part yet: its run has not come that far. Go on with resume=True.")
    first, metadata = parts[0].content, dict(parts[0].content["metadata"])
    metadata["n_steps"] = sum(part.content["metadata"]["n_steps"] for part in parts)
    metadata["duration"] = metadata["n_steps"] * metadata["dt"]
    spikes = {name: partial(_spikes, parts, name, metadata["duration"]) for name in first["spikes"]}
    traces = {
        name: Deferred(
            {variable: partial(_trace, parts, name, variable) for variable in group}, "trace", f"of {name!r}"
        )
        for name, group in first["traces"].items()
    }
    return Recording.deferred(spikes, traces, load_state(_state_after(source, len(parts))), metadata)


def _spikes(parts: list[Part], name: str, duration: float) -> SpikeTrains:
    paths = spike_columns(name)
    pieces = [read_arrays(part.path, part.description, paths.values()) for part in parts]
    columns: dict[str, Any] = {
        column: np.concatenate(arrays) for column, arrays in zip(paths, zip(*pieces, strict=True), strict=True)
    }
    facts = parts[0].content["spikes"][name]
    return SpikeTrains(**columns, n=facts["n"], n_trials=facts["n_trials"], duration=duration, start=facts["start"])


def _trace(parts: list[Part], name: str, variable: str) -> xarray.DataArray:
    from neurosim.recording.lazy import joined_trace

    facts = parts[0].content["traces"][name][variable]
    values, coordinates = trace_paths(name, variable, facts)
    if "observed" not in facts["coords"]:
        return joined_trace([(part.path, part.description) for part in parts], values, coordinates, facts)
    # A rate, a number for each bin; parts may have cut a bin in two.
    paths = [values, *coordinates.values()]
    rates = (
        trace_from(
            dict(zip(paths, read_arrays(part.path, part.description, paths), strict=True)), name, variable, facts
        )
        for part in parts
    )
    return reduce(partial(joined_rates, dt=parts[0].content["metadata"]["dt"]), rates)


def _state_after(path: Path, parts: int) -> Path:
    return path / "states" / f"{_number(parts)}.zip"


def _number(count: int) -> str:
    return f"{count:06d}"


def _digest(identity: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(identity, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
