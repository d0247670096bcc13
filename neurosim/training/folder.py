"""The folder of a training run: what is trained there, its last and its best checkpoint, its log, one writer at a time.

``run.json`` says what is trained (circuit, optimisers, data, seed); ``last.safetensors`` is the last checkpoint,
``best.safetensors`` the values of the best epoch; ``log.jsonl`` and ``tensorboard/`` are the logs.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from neurosim.errors import FileFormatError, TrainingError
from neurosim.training.value_files import clear_partial, read_values, replace_file, write_values
from neurosim.version import __version__

RUN = "neurosim-training"
CHECKPOINT = "neurosim-checkpoint"
BEST = "neurosim-trained-values"
VERSION = 1
#: Differences that a message names.
_SHOWN = 8


class RunFolder:
    """The folder of a run, within ``with`` closed to other writers.

    Parameters
    ----------
    path
        Made where it is not there.
    identity
        JSON values that say what is trained, nested as they like.
    resume
        Go on with the run that is there, if there is one.

    Raises
    ------
    TrainingError
        When it is entered, before anything is changed: if there is a run that is not to be gone on with, or another
        one, or one that another process is writing.
    """

    def __init__(self, path: str | Path, identity: Mapping[str, Any], *, resume: bool) -> None:
        self.path = Path(path)
        self.identity: dict[str, Any] = json.loads(json.dumps(dict(identity)))
        self.resume = resume

    def __enter__(self) -> RunFolder:
        """Check, lock, and clear away what a killed process left."""
        if self.path.exists() and not self.path.is_dir():
            raise TrainingError(f"folder={str(self.path)!r} is a file; a run is written to a folder.")
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = (self.path / ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise TrainingError(f"{self.path} is being written to by another training run.") from None
        try:
            self._open()
        except BaseException:
            self._lock.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let others in."""
        self._lock.close()

    def _open(self) -> None:
        facts = self.path / "run.json"
        if facts.exists():
            if not self.resume:
                raise TrainingError(
                    f"folder={str(self.path)!r} holds a training run already. Give resume=True to go on with it, or "
                    "choose another folder."
                )
            self._check(facts)
        else:
            content = {"format": RUN, "version": VERSION, "neurosim": __version__, "identity": self.identity}
            replace_file(facts, json.dumps(content, indent=2).encode() + b"\n")
        clear_partial(self.path)

    def _check(self, facts: Path) -> None:
        try:
            content = json.loads(facts.read_text(encoding="utf-8"))
            known, version = content["identity"], content["version"]
        except (ValueError, KeyError, TypeError) as error:
            raise FileFormatError(f"{facts} is damaged or not of a training run ({error!r}).") from None
        if version != VERSION:
            raise FileFormatError(f"{facts} is of version {version!r}; this neurosim goes on with version {VERSION}.")
        there, here = _flat(known), _flat(self.identity)
        other = [name for name in {**there, **here} if there.get(name, _NONE) != here.get(name, _NONE)]
        if other:
            told = "; ".join(
                f"{name} is {_text(there.get(name, _NONE))} there, {_text(here.get(name, _NONE))} here"
                for name in other[:_SHOWN]
            )
            more = f"; and {len(other) - _SHOWN} more" if len(other) > _SHOWN else ""
            raise TrainingError(
                f"{self.path} holds another training run, which this one cannot go on with: {told}{more}. Give what it "
                "began with, or choose another folder."
            )

    @property
    def last(self) -> Path:
        """Where the last checkpoint is."""
        return self.path / "last.safetensors"

    @property
    def best(self) -> Path:
        """Where the values of the best epoch are."""
        return self.path / "best.safetensors"

    def save(self, content: Any) -> None:
        """Write a checkpoint in place of the last one."""
        write_values(self.last, content, CHECKPOINT)

    def load(self) -> Any:
        """Return the last checkpoint, or None before the first."""
        return read_values(self.last, CHECKPOINT) if self.last.exists() else None

    def save_best(self, content: Any) -> None:
        """Write the values of an epoch in place of those of the best before."""
        write_values(self.best, content, BEST)

    def load_best(self) -> Any:
        """Return the values of the best epoch.

        Raises
        ------
        TrainingError
            If there are none yet.
        """
        if not self.best.exists():
            raise TrainingError(
                f"{self.path} holds no best epoch: give validation= and monitor= to fit and the Trainer."
            )
        return read_values(self.best, BEST)


_NONE = object()


def _flat(value: Any, where: str = "") -> dict[str, Any]:
    """Return nested JSON values by path."""
    if isinstance(value, dict):
        items: Any = ((f"{where}.{key}" if where else key, one) for key, one in value.items())
    elif isinstance(value, list):
        items = ((f"{where}[{number}]", one) for number, one in enumerate(value))
    else:
        return {where: value}
    found: dict[str, Any] = {}
    for name, one in items:
        found |= _flat(one, name)
    return found


def _text(value: Any) -> str:
    if value is _NONE:
        return "not"
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
