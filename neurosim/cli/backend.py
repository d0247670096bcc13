"""The backend that a command names, with its options."""

from __future__ import annotations

from typing import Any

from neurosim.errors import BackendError


def backend_options(text: str, *, dtype: str | None, device: str | None) -> tuple[str, dict[str, Any]]:
    """Return what ``--backend``, ``--dtype`` and ``--device`` say: a name and its options.

    Raises
    ------
    BackendError
        If an option belongs to the other backend.
    """
    backend, colon, target = text.partition(":")
    given = {name: value for name, value in (("dtype", dtype), ("device", device)) if value is not None}
    if backend == "snntorch":
        if colon:
            raise BackendError(f"--backend {text}: write snntorch; targets are of brian2.")
        return backend, {"dtype": "float64", **given}
    if given:
        raise BackendError(f"--{next(iter(given))} is an option of the snntorch backend, not of {text}.")
    return backend, {"target": target} if colon else {}
