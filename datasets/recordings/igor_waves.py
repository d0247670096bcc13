"""Waves of Igor Pro (.ibw), version 5: one array of numbers with its unit and its step.

Of what the format can hold, this reads and writes one-dimensional real waves of floats. The layout is that of
WaveMetrics' Technical Note 3, "Igor Binary Format".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import FileFormatError

_HEADER = 64 + 320  # bytes: about the file, about the wave
_SIZES = {2: "f4", 4: "f8"}
_VERSION = 5


@dataclass(frozen=True, eq=False)
class Wave:
    """One wave.

    Parameters
    ----------
    values
        Shape (sample,).
    step
        Between samples, in seconds.
    unit
        Of the values, such as ``"mV"``.
    note
        What else was written down.
    """

    values: NDArray[np.float64]
    step: float
    unit: str
    note: str = ""


def read_wave(path: Path) -> Wave:
    """Read a wave.

    Raises
    ------
    FileFormatError
        If the file is cut short, or is no wave of this kind.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read ({error.strerror}).") from None
    if len(data) < _HEADER:
        raise FileFormatError(f"{path}: {len(data)} bytes are too few for an Igor wave.")
    order = next((order for order in "<>" if struct.unpack_from(f"{order}h", data)[0] == _VERSION), None)
    if order is None:
        raise FileFormatError(f"{path}: is no Igor wave of version {_VERSION}.")
    checked = np.frombuffer(data, f"{order}i2", _HEADER // 2)
    if int(checked.sum(dtype=np.int64)) & 0xFFFF:
        raise FileFormatError(f"{path}: its header does not have the checksum that it should.")
    formula, note = struct.unpack_from(f"{order}2i", data, 8)
    n, kind = struct.unpack_from(f"{order}ih", data, 64 + 12)
    dimensions = struct.unpack_from(f"{order}4i", data, 64 + 68)
    step = struct.unpack_from(f"{order}d", data, 64 + 84)[0]
    if kind not in _SIZES or any(dimensions[1:]):
        raise FileFormatError(
            f"{path}: holds numbers of kind {kind}, shape {dimensions}; only rows of floats are read."
        )
    width = np.dtype(_SIZES[kind]).itemsize
    end = _HEADER + n * width
    if len(data) < end + formula + note:
        raise FileFormatError(f"{path}: is cut short: {len(data)} bytes instead of {end + formula + note}.")
    values = np.frombuffer(data, f"{order}{_SIZES[kind]}", n, _HEADER).astype(np.float64)
    text = data[end + formula : end + formula + note]
    unit = data[64 + 148 : 64 + 152].rstrip(b"\0")
    return Wave(values, step, unit.decode("latin-1"), text.decode("latin-1"))


def write_wave(path: Path, wave: Wave, name: str = "wave") -> None:
    """Write a wave in 4-byte floats."""
    header, note = bytearray(_HEADER), wave.note.encode("latin-1")
    n = wave.values.size
    struct.pack_into("<h", header, 0, _VERSION)
    struct.pack_into("<3i", header, 4, 320 + 4 * n, 0, len(note))
    struct.pack_into("<ih", header, 64 + 12, n, 2)
    struct.pack_into("<h", header, 64 + 26, 1)
    struct.pack_into("<32s", header, 64 + 28, name.encode("latin-1")[:31])
    struct.pack_into("<4i", header, 64 + 68, n, 0, 0, 0)
    struct.pack_into("<8d", header, 64 + 84, wave.step, 1, 1, 1, 0, 0, 0, 0)
    struct.pack_into("<4s", header, 64 + 148, wave.unit.encode("latin-1"))
    total = int(np.frombuffer(bytes(header), "<i2").sum(dtype=np.int64))
    struct.pack_into("<H", header, 2, -total & 0xFFFF)
    path.write_bytes(bytes(header) + wave.values.astype("<f4").tobytes() + note)
