"""The wiring of a fly's brain as the model of Shiu et al. (2024) takes it from FlyWire: tables of neurons and of edges.

``Completeness_783.csv`` lists the neurons; its order is their number. ``Connectivity_783.parquet`` has a row for each
pair of neurons: how many synapses, and whether they excite (1) or inhibit (-1). The files of version 630 begin with
``2023_03_23_``. Data: FlyWire, CC BY 4.0.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from neurosim.cache_folder import cache_folder
from neurosim.circuit import Edges
from neurosim.datasets.parquet_files import read_batches, write_columns
from neurosim.errors import CircuitError, FileFormatError, nearest

Version = Literal["783", "630"]

LICENCE = "CC BY 4.0 (FlyWire); the tables as distributed with the model: MIT"
CITATION = (
    "Dorkenwald S et al. (2024) Neuronal wiring diagram of an adult brain. Nature 634:124; "
    "Shiu PK et al. (2024) A Drosophila computational brain model reveals sensorimotor processing. Nature 634:210"
)
_SOURCE = "https://github.com/philshiu/Drosophila_brain_model/raw/91bdd1e7dcf193f3e7ca5a8933497fcef63b7960"
#: Names of the two files of a version.
FILES = {
    "783": ("Completeness_783.csv", "Connectivity_783.parquet"),
    "630": ("2023_03_23_completeness_630_final.csv", "2023_03_23_connectivity_630_final.parquet"),
}
#: Numbers of neurons, edges and synapses of the published files.
PUBLISHED = {"783": (138_639, 15_091_983, 54_492_922), "630": (127_400, 14_687_178, 52_793_639)}
_COLUMNS = {
    "Presynaptic_ID": "int64",
    "Postsynaptic_ID": "int64",
    "Presynaptic_Index": "int64",
    "Postsynaptic_Index": "int64",
    "Connectivity": "int64",
    "Excitatory": "int64",
    "Excitatory x Connectivity": "int64",
}
_NONE = np.empty(0, np.int32)


@dataclass(frozen=True, eq=False)
class FlyWiring:
    """Neurons and the edges between them.

    Attributes
    ----------
    ids
        The number that FlyWire gives each neuron, shape (neuron,).
    pre, post
        Places in `ids`, shape (edge,), int32.
    synapses
        How many synapses an edge has; negative where they inhibit, shape (edge,), int32.
    version
        Of FlyWire; ``"drawn"`` of a sample.
    licence, citation
        Of the data.
    notes
        In what it differs from the published files.
    """

    ids: NDArray[np.int64]
    pre: NDArray[np.int32]
    post: NDArray[np.int32]
    synapses: NDArray[np.int32]
    version: str
    licence: str = LICENCE
    citation: str = CITATION
    notes: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Number of neurons."""
        return int(self.ids.size)

    def __len__(self) -> int:
        """Return the number of edges."""
        return int(self.pre.size)

    def __repr__(self) -> str:
        """Return the extent, not the edges."""
        total = int(np.abs(self.synapses.astype(np.int64)).sum())
        return f"FlyWiring({self.version}: {self.n} neurons, {len(self)} edges, {total} synapses)"

    def edges(self) -> Edges:
        """Return the edges as a connectivity; `synapses` in the same order are for ``weight=``."""
        return Edges(self.pre.astype(np.int64), self.post.astype(np.int64))

    def places(self, ids: object) -> NDArray[np.int64]:
        """Return the places of neurons by the numbers that FlyWire gives them.

        Raises
        ------
        CircuitError
            If there is none of some number.
        """
        wanted = np.atleast_1d(np.asarray(ids, dtype=np.int64))
        order = np.argsort(self.ids)
        found = np.minimum(np.searchsorted(self.ids, wanted, sorter=order), self.n - 1)
        if (self.ids[order[found]] != wanted).any():
            missing = wanted[self.ids[order[found]] != wanted]
            raise CircuitError(
                f"FlyWiring {self.version}: no neuron {missing[0]} ({missing.size} of {wanted.size} are missing). "
                "Numbers change from version to version of FlyWire."
            )
        return np.asarray(order[found], dtype=np.int64)


def load_fly_wiring(version: Version = "783", *, folder: str | Path | None = None, sample: bool = False) -> FlyWiring:
    """Load the wiring of a fly's brain from the two published files. Nothing is downloaded.

    Parameters
    ----------
    version
        Of FlyWire: ``"783"`` (138,639 neurons, 15,091,983 edges) or ``"630"`` (127,400 and 14,687,178), which is that
        of the paper.
    folder
        Where the files are; by default ``fly_wiring`` in the folder of NEUROSIM_CACHE or the user's cache.
    sample
        300 neurons and 3,000 edges drawn from random numbers instead, with heavy-tailed numbers of synapses; it is no
        part of any brain.

    Raises
    ------
    FileFormatError
        If a file is missing (the message says how to get it) or does not fit the other.
    CircuitError
        If there is no such version.
    """
    if version not in get_args(Version):
        raise CircuitError(f"load_fly_wiring: version={version!r} is not known.{nearest(str(version), FILES)}")
    if sample:
        return _drawn()
    base = cache_folder() / "fly_wiring" if folder is None else Path(folder).expanduser()
    neurons, edges = (base / name for name in FILES[version])
    missing = [path.name for path in (neurons, edges) if not path.is_file()]
    if missing:
        commands = "; ".join(f"curl -L -o {base / name} {_SOURCE}/{name}" for name in missing)
        raise FileFormatError(
            f"The wiring of the fly, version {version}: {', '.join(missing)} not in {base}. Fetch them with "
            f"`{commands}` (about 100 MB), or give folder=, or sample=True for a small one that is drawn. "
            f"Licence: {LICENCE}. Cite: {CITATION}."
        )
    return read_fly_wiring(neurons, edges, version)


def read_fly_wiring(neurons: Path, edges: Path, version: str) -> FlyWiring:
    """Read the two files of a version; see :func:`load_fly_wiring`."""
    ids = _read_ids(neurons)
    names = [name for name in _COLUMNS if name != "Excitatory"]
    parts = [_checked(batch, ids, neurons, edges) for batch in read_batches(edges, names, rows=1 << 19)]
    pre, post, synapses = (np.concatenate([part[side] for part in parts] or [_NONE]) for side in range(3))
    notes = []
    found = (ids.size, pre.size, int(np.abs(synapses).sum(dtype=np.int64)))
    if version in PUBLISHED and found != PUBLISHED[version]:
        notes.append(f"neurons, edges and synapses are {found}, of the published files {PUBLISHED[version]}.")
    mixed = _mixed(pre, synapses, ids.size)
    if mixed:
        notes.append(f"{mixed} neurons both excite and inhibit.")
    return FlyWiring(ids, pre, post, synapses, version, notes=tuple(notes))


def write_fly_wiring(folder: Path, wiring: FlyWiring, version: Version = "783") -> None:
    """Write the two files of a version in the form in which they are published."""
    folder.mkdir(parents=True, exist_ok=True)
    neurons, edges = (folder / name for name in FILES[version])
    neurons.write_text(",Completed\n" + "".join(f"{one},True\n" for one in wiring.ids.tolist()), encoding="utf-8")
    sign = np.sign(wiring.synapses)
    columns = (
        wiring.ids[wiring.pre], wiring.ids[wiring.post], wiring.pre, wiring.post,
        np.abs(wiring.synapses), sign, wiring.synapses,
    )  # fmt: skip
    write_columns(edges, {name: (values, kind) for (name, kind), values in zip(_COLUMNS.items(), columns, strict=True)})


def _checked(batch: Any, ids: NDArray[np.int64], neurons: Path, edges: Path) -> tuple[NDArray[np.int32], ...]:
    """Return the ends and the signed synapses of some rows; a part at a time, since a whole column takes 120 MB."""
    table = {name: batch.column(name).to_numpy(zero_copy_only=False) for name in batch.schema.names}
    ends = []
    for side in ("Presynaptic", "Postsynaptic"):
        places = table[f"{side}_Index"]
        if places.size and (places.min() < 0 or places.max() >= ids.size):
            raise FileFormatError(f"{edges}: a {side.lower()} index lies outside the {ids.size} neurons of {neurons}.")
        if not np.array_equal(ids[places], table[f"{side}_ID"]):
            raise FileFormatError(f"{edges}: its {side}_ID are not those of {neurons}; are both of one version?")
        ends.append(places.astype(np.int32))
    synapses, count = table["Excitatory x Connectivity"], table["Connectivity"]
    if not np.array_equal(np.abs(synapses), count) or (count <= 0).any():
        raise FileFormatError(f"{edges}: signed and unsigned numbers of synapses differ, or are not positive.")
    return (*ends, synapses.astype(np.int32))


def _read_ids(path: Path) -> NDArray[np.int64]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            header = next(rows, [])
            ids = np.array([int(row[0]) for row in rows if row], dtype=np.int64)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise FileFormatError(f"{path}: needs a number of FlyWire at the begin of each row ({error}).") from None
    if "Completed" not in header or np.unique(ids).size != ids.size:
        raise FileFormatError(f"{path}: needs a column 'Completed', and each neuron once.")
    return ids


def _mixed(pre: NDArray[np.int32], synapses: NDArray[np.int32], n: int) -> int:
    excites, inhibits = (np.bincount(pre[chosen], minlength=n) > 0 for chosen in (synapses > 0, synapses < 0))
    return int((excites & inhibits).sum())


def _drawn() -> FlyWiring:
    rng = np.random.default_rng(5)
    n = 300
    pairs = np.sort(rng.choice(n * n, 3000, replace=False))
    pre, post = pairs // n, pairs % n
    sign = np.where(rng.random(n) < 0.7, 1, -1)
    synapses = sign[pre] * (1 + np.floor(rng.pareto(1.5, pairs.size)).clip(max=500)).astype(np.int64)
    return FlyWiring(
        720575940600000000 + 7 * np.arange(n),
        pre.astype(np.int32),
        post.astype(np.int32),
        synapses.astype(np.int32),
        "drawn",
        licence="Apache-2.0 (part of neurosim)",
        citation="Drawn by neurosim; nothing was measured",
    )
