"""The errors that neurosim raises: what is wrong, where, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class NeurosimError(Exception):
    """Base of every error that neurosim raises on purpose."""


class CircuitError(NeurosimError, ValueError):
    """A circuit, or something addressed in one, is not well formed."""


class EquationError(CircuitError):
    """A model's equations or statements cannot be accepted."""


class UnitError(NeurosimError, TypeError):
    """A value has the wrong physical dimension, or lacks one."""


class UnsupportedError(NeurosimError, ValueError):
    """A backend cannot express something; the message holds the whole list."""


class BackendError(NeurosimError, ValueError):
    """A backend is unknown, not installed, or was given options it does not have."""


class RecordError(NeurosimError, ValueError):
    """A record plan asks for something that does not exist or does not fit."""


class FileFormatError(NeurosimError, ValueError):
    """A file is not what it should be: truncated, edited, or of another version."""


class AnalysisError(NeurosimError, ValueError):
    """A measure was given what it cannot say anything about: too little, mismatched, or outside of its definition."""


class TrainingError(NeurosimError, ValueError):
    """Training was given what does not fit (targets, masks, items, settings), or cannot go on as asked."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the tail of an error message: the nearest known name and the list of all.

    Parameters
    ----------
    name
        What was asked for.
    known
        What exists.

    Returns
    -------
    str
        For instance ``" Did you mean 'exc'? Known: exc, inh."``.
    """
    names = sorted(set(known))
    if not names:
        return " There are none yet."
    matches = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" Did you mean {matches[0]!r}?" if matches else ""
    shown = ", ".join(names[:20]) + (f", ... ({len(names)} in all)" if len(names) > 20 else "")
    return f"{hint} Known: {shown}."
