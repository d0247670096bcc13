"""Where a module can live and in which numbers, checked before anything is built or moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neurosim.errors import BackendError, nearest

if TYPE_CHECKING:
    import torch

DTYPES = ("float32", "float64")
#: Why a state cannot be held in smaller numbers: it is in SI units.
_TOO_SMALL = {
    "float16": "below 6e-8 it holds only 0, and a state is in SI units: 1 pA is 1e-12",
    "bfloat16": "it holds 8 bits of a number, so that a potential near -60 mV would move in steps of 0.24 mV",
}
_OTHER_NAMES = {"float": "float32", "double": "float64", "half": "float16"}


def dtype_name(given: Any) -> str:
    """Return the name of the dtype that a module computes in; torch need not be loaded to tell.

    Parameters
    ----------
    given
        ``"float32"`` or ``"float64"``, or torch's own.

    Raises
    ------
    BackendError
        If it is another, with the reason.
    """
    text = str(given).removeprefix("torch.")
    name = _OTHER_NAMES.get(text, text)
    if name in _TOO_SMALL:
        raise BackendError(f"dtype={text!r} cannot hold a circuit's state: {_TOO_SMALL[name]}. Use float32 or float64.")
    if name not in DTYPES:
        raise BackendError(f"dtype={text!r} is unknown.{nearest(text, DTYPES)}")
    return name


def checked_dtype(given: Any) -> torch.dtype:
    """Return the dtype that a module computes in, as torch's (see :func:`dtype_name`)."""
    import torch

    found: torch.dtype = getattr(torch, dtype_name(given))
    return found


def checked_device(given: Any) -> torch.device:
    """Return a device that exists here and can hold a module.

    Parameters
    ----------
    given
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, or a ``torch.device``.

    Raises
    ------
    BackendError
        If there is no such device, or it holds no values or no float64.
    """
    import torch

    said = f"device={str(given)!r} cannot be used here"
    try:
        device = torch.device(given)
    except (RuntimeError, TypeError) as error:
        raise BackendError(f"{said}: {str(error).splitlines()[0]}") from None
    if device.type == "meta":
        raise BackendError(f"{said}: tensors on it have shapes but no values, and a run needs values.")
    if device.type == "mps":
        raise BackendError(f"{said}: the clocks of a run are float64, which Metal does not have. Use the CPU.")
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise BackendError(f"{said}: torch {torch.__version__} finds no NVIDIA GPU.")
        count = torch.cuda.device_count()
        if (device.index or 0) >= count:
            raise BackendError(f"{said}: there are {count} GPUs, the last is cuda:{count - 1}.")
    try:
        return torch.empty(1, device=device).device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise BackendError(f"{said}: {str(error).splitlines()[0]}") from None
