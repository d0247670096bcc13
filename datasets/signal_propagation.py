"""Which neurons of C. elegans answer when one is stimulated: the atlas of Randi et al. (2023).

One neuron after another was stimulated by light while calcium of the others was imaged. The atlas is a file of the
package ``wormneuroatlas`` (GPL-3-or-later), which is read without importing it: the package asks a server on the web
when it is used. Beside it lies the wiring with which the paper compares: the sum of four reconstructions.

**Orientation.** In the files an entry ``[i, j]`` is the answer of i to j. Here, as everywhere in neurosim, what comes
first acts on what comes second: ``amplitude[stimulated, responding]``, ``chemical[pre, post]``.

References
----------
F. Randi, A. K. Sharma, S. Dvali, A. M. Leifer: Neural signal propagation atlas of Caenorhabditis elegans. Nature
623:406 (2023).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from neurosim.datasets.extras import extra
from neurosim.errors import CircuitError, FileFormatError, nearest

if TYPE_CHECKING:
    import pandas

Strain = Literal["wt", "unc31"]

CITATION = "Randi F et al. (2023) Neural signal propagation atlas of Caenorhabditis elegans. Nature 623:406"
LICENCE = "GPL-3.0-or-later (wormneuroatlas, which distributes the file); cite the paper"
_INSTALL = "pip install --no-deps wormneuroatlas==0.0.7.3"
_ATLAS, _WIRING = "funatlas.h5", "aconnectome_default.h5"


@dataclass(frozen=True, eq=False)
class SignalPropagation:
    """Responses of neurons to the stimulation of one; matrices have the shape (stimulated, responding).

    Attributes
    ----------
    names
        Neurons, in the order of rows and columns.
    strain
        ``"wt"``: wild type; ``"unc31"``: without release of dense-core vesicles.
    amplitude
        Mean change of fluorescence, dF/F; NaN where it was not measured.
    q
        Rate of false discoveries if this answer and all stronger ones are taken for real; NaN where unknown.
    q_no_response
        The same of the claim that there is no answer.
    observations
        How often a pair was observed.
    licence, citation
        Of the data.
    """

    names: tuple[str, ...]
    strain: str
    amplitude: NDArray[np.float64]
    q: NDArray[np.float64]
    q_no_response: NDArray[np.float64]
    observations: NDArray[np.int64]
    singles: NDArray[np.float64]
    offsets: NDArray[np.int64]
    licence: str = LICENCE
    citation: str = CITATION

    def place(self, name: str) -> int:
        """Return the row and column of a neuron."""
        if name not in self.names:
            raise CircuitError(f"The atlas has no neuron {name!r}.{nearest(name, self.names)}")
        return self.names.index(name)

    def responses(self, stimulated: str, responding: str) -> NDArray[np.float64]:
        """Return the amplitude of each single response of a pair, shape (observation,)."""
        pair = self.place(stimulated) * len(self.names) + self.place(responding)
        return self.singles[self.offsets[pair] : self.offsets[pair + 1]]

    def table(self, q: float = 1.0, *, itself: bool = False) -> pandas.DataFrame:
        """Return the pairs whose `q` is below a value, strongest evidence first.

        Parameters
        ----------
        q
            0.05 gives the pairs that the paper takes for connected.
        itself
            Whether the stimulated neuron's own answer counts.
        """
        import pandas

        chosen = self.q < q
        if not itself:
            np.fill_diagonal(chosen, False)
        rows, columns = np.nonzero(chosen)
        order = np.argsort(self.q[rows, columns], kind="stable")
        rows, columns = rows[order], columns[order]
        names = np.array(self.names, dtype=object)
        return pandas.DataFrame(
            {
                "stimulated": names[rows],
                "responding": names[columns],
                "amplitude": self.amplitude[rows, columns],
                "q": self.q[rows, columns],
                "observations": self.observations[rows, columns],
            }
        )


@dataclass(frozen=True, eq=False)
class AtlasWiring:
    """The wiring with which the atlas is compared: the sum of White adult and L4 and of Witvliet 7 and 8.

    Attributes
    ----------
    names
        Neurons, in the order of rows and columns.
    chemical
        Numbers of synapses, shape (pre, post).
    gap
        Numbers of gap junctions, symmetric.
    licence, citation
        Of the data.
    """

    names: tuple[str, ...]
    chemical: NDArray[np.float64]
    gap: NDArray[np.float64]
    licence: str = LICENCE
    citation: str = (
        f"{CITATION}; White JG et al. (1986) Phil Trans R Soc B 314:1; Witvliet D et al. (2021) Nature 596:257"
    )


def load_signal_propagation(
    strain: Strain = "wt", *, path: str | Path | None = None, sample: bool = False
) -> SignalPropagation:
    """Load the atlas. Nothing is downloaded.

    Parameters
    ----------
    strain
        ``"wt"`` or ``"unc31"``.
    path
        The file ``funatlas.h5``; by default that of the installed package ``wormneuroatlas``.
    sample
        Six neurons with answers drawn from random numbers instead.

    Raises
    ------
    FileFormatError
        If the file is missing (the message says how to get it), or is of another form.
    """
    if strain not in get_args(Strain):
        raise CircuitError(f"load_signal_propagation: strain={strain!r}.{nearest(str(strain), get_args(Strain))}")
    if sample:
        return _drawn(strain)
    source = _found(_ATLAS) if path is None else Path(path)
    with _opened(source) as file:
        held = {name: file[f"{strain}/{name}"][:] for name in ("dFF", "q", "q_eq", "occ1", "dFF_all")}
        names = _names(file)
    _check(source, names, held)
    singles = [np.atleast_1d(np.asarray(one, dtype=np.float64)) for one in held["dFF_all"].T.ravel()]
    return SignalPropagation(
        names,
        strain,
        np.ascontiguousarray(held["dFF"].T),
        np.ascontiguousarray(held["q"].T),
        np.ascontiguousarray(held["q_eq"].T),
        np.ascontiguousarray(held["occ1"].T.astype(np.int64)),
        np.concatenate(singles),
        np.concatenate([[0], np.cumsum([one.size for one in singles])]),
    )


def load_atlas_wiring(*, path: str | Path | None = None, atlas: str | Path | None = None) -> AtlasWiring:
    """Load the wiring that lies beside the atlas.

    Parameters
    ----------
    path
        The file ``aconnectome_default.h5``; by default that of the installed package ``wormneuroatlas``.
    atlas
        The file ``funatlas.h5``, which has the names; by default the same.
    """
    source, named = (
        _found(name) if given is None else Path(given) for name, given in ((_WIRING, path), (_ATLAS, atlas))
    )
    with _opened(named) as file:
        names = _names(file)
    with _opened(source) as file:
        held = {name: file[name][:] for name in ("chem", "gap")}
    _check(source, names, held)
    return AtlasWiring(names, np.ascontiguousarray(held["chem"].T), np.ascontiguousarray(held["gap"].T))


def write_signal_propagation(path: Path, *strains: SignalPropagation) -> None:
    """Write an atlas in the form of ``funatlas.h5``, one or both strains, without its kernels."""
    h5py = extra("h5py", "Writing HDF5 files")
    with h5py.File(path, "w") as file:
        file["neuron_ids"] = np.array([name.encode() for name in strains[0].names])
        for one in strains:
            group, n = file.create_group(one.strain), len(one.names)
            for name, values in (("dFF", one.amplitude), ("q", one.q), ("q_eq", one.q_no_response)):
                group[name] = values.T
            group["occ1"] = one.observations.T
            singles = group.create_dataset("dFF_all", (n, n), dtype=h5py.vlen_dtype(np.float64))
            for stimulated, name in enumerate(one.names):
                for responding, other in enumerate(one.names):
                    singles[responding, stimulated] = one.responses(name, other)


def _found(name: str) -> Path:
    """Find a file inside the installed package, without importing it."""
    spec = importlib.util.find_spec("wormneuroatlas")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "data" / name
        if path.is_file():
            return path
    raise FileFormatError(
        f"The signal propagation atlas needs {name}, which is not installed. Licence: {LICENCE}. Cite: {CITATION}. "
        f"Install it with `{_INSTALL}` (38 MB; its dependencies are not needed), or give path=FILE, or sample=True."
    )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    h5py = extra("h5py", "Reading HDF5 files")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read as HDF5 ({error}).") from None
    except KeyError as error:
        raise FileFormatError(f"{path}: is no file of the atlas ({error}).") from None


def _names(file: Any) -> tuple[str, ...]:
    return tuple(name.decode() for name in file["neuron_ids"][:])


def _check(path: Path, names: tuple[str, ...], held: dict[str, NDArray[Any]]) -> None:
    for name, values in held.items():
        if values.shape != (len(names), len(names)):
            raise FileFormatError(f"{path}: {name} has shape {values.shape}; {len(names)} neurons need a square.")


def _drawn(strain: str) -> SignalPropagation:
    rng = np.random.default_rng(6)
    names = ("ASHL", "AVAL", "AVAR", "AVDL", "RIML", "SMDVL")
    n = len(names)
    counts = rng.integers(0, 6, n * n)
    means = np.repeat(rng.exponential(0.2, n * n), counts)
    singles = means + rng.normal(0, 0.1, means.size)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    amplitude = np.full(n * n, np.nan)
    for pair in np.flatnonzero(counts):
        amplitude[pair] = singles[offsets[pair] : offsets[pair + 1]].mean()
    q = np.exp(-8 * np.abs(amplitude))
    square = (n, n)
    return SignalPropagation(
        names,
        strain,
        amplitude.reshape(square),
        q.reshape(square),
        1 - q.reshape(square),
        counts.reshape(square),
        singles,
        offsets,
        licence="Apache-2.0 (part of neurosim)",
        citation="Drawn by neurosim; nothing was measured",
    )
