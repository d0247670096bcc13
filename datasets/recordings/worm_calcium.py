"""Calcium imaging of C. elegans from twelve laboratories, brought to one form (Simeon et al. 2024): one parquet file.

A row is a neuron of a worm. Three traps are in the form, and are dealt with here:

- Every source numbers its worms from ``worm0``: a worm is (source, worm).
- Rows without a known identity (``is_labeled_neuron`` false) have a number instead of a name, and a random ``slot``:
  they are no cell of another worm. Their `units` say ``identified`` false.
- Traces and times went through half precision, so that times beyond 512 s come twice or three times. The resampled
  time is rebuilt as k times 0.333 s.

``calcium_data`` is smoothed by a causal moving average of 8 of the source's own samples, resampled, and z-scored over
the whole recording; ``original_calcium_data`` is the authors' trace, in whatever unit they used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas
from numpy.typing import NDArray

from neurosim.datasets.parquet_files import read_batches, read_columns, write_columns
from neurosim.datasets.recordings.drawing import smooth_noise
from neurosim.errors import CircuitError, FileFormatError, nearest
from neurosim.recording.recording import Recording
from neurosim.recording.support import Support
from neurosim.recording.traces import trace_array

FILE = "worm_data_short.parquet"
#: Names and types of the columns, in their order.
COLUMNS = {
    "source_dataset": "string",
    "raw_data_file": "string",
    "worm": "string",
    "neuron": "string",
    "slot": "int32",
    "is_labeled_neuron": "bool",
    "smooth_method": "string",
    "interpolate_method": "string",
    "normalization_method": "string",
    "original_calcium_data": "list<float>",
    "calcium_data": "list<float>",
    "original_time_in_seconds": "list<float>",
    "time_in_seconds": "list<float>",
    "original_max_timesteps": "int32",
    "max_timesteps": "int32",
}
STEP = 0.333  # s
_ROWS = 64  # of one reading; a row is some 20 kB
_FACTS = ("raw_data_file", "smooth_method", "interpolate_method", "normalization_method")
_PLAIN = ("source_dataset", "worm", "neuron", "slot", "is_labeled_neuron", *_FACTS, "max_timesteps")
_HALF = 2.0**-11  # how far half precision moves a number, relatively

Key = tuple[str, str]


def worms(path: Path) -> tuple[Key, ...]:
    """Return all worms of a file as (source, worm), in its order."""
    columns = read_columns(path, ("source_dataset", "worm"))
    return tuple(dict.fromkeys(zip(columns["source_dataset"], columns["worm"], strict=True)))


def read(folder: Path, source_dataset: str | None = None, worm: str | None = None, original: bool = False) -> Recording:
    """Read one worm.

    Parameters
    ----------
    folder
        Where ``worm_data_short.parquet`` is.
    source_dataset, worm
        Which: ``"Kato2015"`` and ``"worm0"``, as listed by :func:`worms`. By default the first of the file, or of the
        source.
    original
        Also give the authors' traces (see :func:`read_worms`).

    Returns
    -------
    Recording
        See :func:`read_worms`.
    """
    path = folder / FILE
    known = worms(path)
    for what, given, place in (("source_dataset", source_dataset, 0), ("worm", worm, 1)):
        left = [key for key in known if given is None or key[place] == given]
        if not left:
            raise CircuitError(f"{path}: no {what} {given!r}.{nearest(str(given), {key[place] for key in known})}")
        known = tuple(left)
    return next(recording for _, recording in read_worms(path, known[:1], original=original))


def read_worms(
    path: Path, keys: Iterable[Key] | None = None, *, original: bool = False
) -> Iterator[tuple[Key, Recording]]:
    """Yield worms of a file, which is read once, a part at a time.

    Parameters
    ----------
    path
        The file.
    keys
        Which worms; by default all.
    original
        Also give the authors' traces as ``original``. Their times are those of the file, which half precision has
        rounded; where even samples fit them, these are taken instead.

    Yields
    ------
    tuple
        (source, worm), and its recording: the trace ``calcium`` of ``neurons`` every 0.333 s. In `units` are the name
        of each neuron (``id``), whether it is an identity (``identified``) and its ``slot``.
    """
    wanted = None if keys is None else set(keys)
    names = [*_PLAIN, "calcium_data", *(("original_calcium_data", "original_time_in_seconds") if original else ())]
    held: dict[Key, list[dict[str, Any]]] = {}
    for batch in read_batches(path, names, _ROWS):
        plain = {name: batch.column(name).to_pylist() for name in _PLAIN}
        for row, key in enumerate(zip(plain["source_dataset"], plain["worm"], strict=True)):
            if wanted is None or key in wanted:
                one = {name: plain[name][row] for name in _PLAIN}
                for name in names[len(_PLAIN) :]:
                    one[name] = batch.column(name)[row].values.to_numpy(zero_copy_only=False)
                held.setdefault(key, []).append(one)
    for key in list(held):
        yield key, _recording(path, key, held.pop(key))


def write_worms(path: Path, recordings: Mapping[Key, Recording]) -> None:
    """Write worms in the form of the collection: 15 columns, a row for each neuron, rounded to half precision.

    Parameters
    ----------
    path
        Where; by custom ``worm_data_short.parquet``.
    recordings
        By (source, worm): recordings as :func:`read_worms` yields them, with the trace ``calcium`` of ``neurons`` every
        0.333 s, and perhaps ``original``.

    Raises
    ------
    CircuitError
        If a recording has no such trace, or another step.
    """
    rows: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for (source, worm), recording in recordings.items():
        trace = recording["neurons"]["calcium"]
        n_steps, n = trace.sizes["time"], trace.sizes["neuron"]
        if trace.sizes["trial"] != 1 or not np.allclose(trace["time"].values, np.arange(n_steps) * STEP):
            raise CircuitError(f"write_worms: {source}, {worm} needs one trial with samples every {STEP} s from 0 s.")
        group = recording.traces["neurons"]
        before = group["original"] if "original" in group else trace
        units = recording.units
        known = len(units) == n
        labels = units["id"].tolist() if known and "id" in units else [str(neuron) for neuron in range(n)]
        for neuron in range(n):
            values = {
                "source_dataset": source,
                "raw_data_file": recording.metadata.get("raw_data_file", ""),
                "worm": worm,
                "neuron": labels[neuron],
                "slot": int(units["slot"][neuron]) if known and "slot" in units else neuron,
                "is_labeled_neuron": bool(units["identified"][neuron]) if known and "identified" in units else False,
                "smooth_method": recording.metadata.get("smooth_method", "none"),
                "interpolate_method": recording.metadata.get("interpolate_method", "linear"),
                "normalization_method": recording.metadata.get("normalization_method", "none"),
                "original_calcium_data": _half(before.values[0, :, neuron]),
                "calcium_data": _half(trace.values[0, :, neuron]),
                "original_time_in_seconds": _half(before["time"].values),
                "time_in_seconds": _half(trace["time"].values),
                "original_max_timesteps": before.sizes["time"],
                "max_timesteps": n_steps,
            }
            for name, value in values.items():
                rows[name].append(value)
    write_columns(path, {name: (rows[name], kind) for name, kind in COLUMNS.items()})


def draw(folder: Path) -> None:
    """Write three worms from two sources: smooth noise, z-scored, some neurons without a name."""
    drawn = {}
    names = ["AVAL", "AVAR", "RIML", "RIMR", "SMDVL", "ASHL"]
    for number, key in enumerate((("Drawn2020", "worm0"), ("Drawn2020", "worm1"), ("Drawn2021", "worm0"))):
        rng = np.random.default_rng(number)
        n_steps = 1000 + 400 * number
        values = smooth_noise(rng, n_steps, 8, 6.0)
        original = 1.5 + 0.2 * smooth_noise(rng, 900, 8, 4.0)
        traces = {
            "calcium": trace_array(values[np.newaxis], variable="calcium", unit="1", time=np.arange(n_steps) * STEP),
            "original": trace_array(original[np.newaxis], variable="original", unit="1", time=np.arange(900) * 0.4),
        }
        labels = [*names[number:], *map(str, range(number + 2))]
        units = {
            "population": ["neurons"] * 8,
            "neuron": range(8),
            "id": labels,
            "identified": [not label.isdigit() for label in labels],
            "slot": rng.permutation(300)[:8],
        }
        drawn[key] = Recording(
            {}, {"neurons": traces}, None, {"normalization_method": "zscore", "raw_data_file": "drawn"}, units=units
        )
    write_worms(folder / FILE, drawn)


def _recording(path: Path, key: Key, rows: list[dict[str, Any]]) -> Recording:
    where = f"{path}: {', '.join(key)}"
    traces = {"calcium": _trace(where, "calcium", [row["calcium_data"] for row in rows], None)}
    traces["calcium"].attrs["modality"] = "calcium, smoothed and z-scored"
    n_steps = traces["calcium"].sizes["time"]
    if any(row["max_timesteps"] != n_steps for row in rows):
        raise FileFormatError(f"{where}: max_timesteps is not the length of calcium_data.")
    if "original_calcium_data" in rows[0]:
        samples = [row["original_calcium_data"] for row in rows]
        traces["original"] = _trace(where, "original", samples, rows[0]["original_time_in_seconds"])
        traces["original"].attrs["modality"] = "calcium, as the source gives it"
    facts = {name: rows[0][name] for name in _FACTS}
    return Recording(
        {},
        {"neurons": traces},
        None,
        {"source_dataset": key[0], "worm": key[1], "subject": {"species": "Caenorhabditis elegans"}, **facts},
        support=Support(0.0, n_steps * STEP),
        units=pandas.DataFrame(
            {
                "population": "neurons",
                "neuron": np.arange(len(rows)),
                "id": [row["neuron"] for row in rows],
                "identified": [row["is_labeled_neuron"] for row in rows],
                "slot": [row["slot"] for row in rows],
            }
        ),
    )


def _trace(where: str, variable: str, rows: list[NDArray[Any]], times: NDArray[Any] | None) -> Any:
    if len({row.size for row in rows}) > 1 or not rows[0].size:
        raise FileFormatError(f"{where}: the neurons have {variable} traces of different lengths, or none.")
    n = rows[0].size
    stamps = np.arange(n) * STEP if times is None else _unrounded(np.asarray(times, dtype=np.float64))
    if stamps.size != n:
        raise FileFormatError(f"{where}: {n} samples, but {stamps.size} times.")
    return trace_array(np.stack(rows, axis=1)[np.newaxis], variable=variable, unit="1", time=stamps)


def _unrounded(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return evenly spaced times if half precision may have made the given ones of them, else the given ones."""
    steps = np.arange(times.size)
    if times.size < 2:
        return times
    period, start = np.polyfit(steps, times, 1)
    even = start + steps * period
    return even if (np.abs(even - times) <= 2 * _HALF * np.abs(times) + 1e-3).all() else times


def _half(values: NDArray[Any]) -> NDArray[np.float32]:
    return values.astype(np.float16).astype(np.float32)
