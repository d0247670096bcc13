"""The wiring of a nervous system: chemical synapses, gap junctions, transmitters, and signs derived from them.

One source is known: ``cook2019-hermaphrodite``, the adult hermaphrodite of *C. elegans* (Cook et al. 2019, as corrected
by the authors in July 2020), with the transmitters of Wang et al. (2024). The tables are read from the wheel of the
OpenWorm Connectome Toolbox (``cect``, MIT) without importing it: the package pulls in half a gigabyte that a reader of
two JSON files does not need. An edge-list CSV (columns Source, Target, Weight, Type) can be read by ``path=``.

**The two files are not the same release.** Among neurons the JSON has 3,709 chemical pairs (weight 20,965) and 2,196
ordered gap pairs (11,523); WormWiring's edge list ``herm_full_edgelist.csv`` has 3,638 (20,589) and 2,168 (8,642). In
both are 3,516 chemical pairs, 21 of them with another weight, and 1,975 ordered gap pairs, 12 with another weight. The
edge list has no CANL and CANR; the gap junctions among ALA, CAN and PVD, 100 to 401 sections each and absent from it,
outweigh the whole difference. Where its two directions of one gap junction disagree the larger weight is taken, which
is the JSON's. Among neurons the JSON equals the published adjacency matrices: prefer it.

**Weights** are numbers of serial electron-microscope sections, not numbers of synapses: a large synapse counts more.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Literal

import numpy as np

from neurosim.datasets.connectome_files import read_edge_list, read_matrices, read_transmitters
from neurosim.datasets.connectome_types import (
    ChemicalSynapses,
    Connectome,
    GapJunctions,
    UnknownSign,
    chemical_from,
    gap_from,
    sign_of,
)
from neurosim.errors import CircuitError, FileFormatError, nearest

__all__ = ["ChemicalSynapses", "Connectome", "GapJunctions", "is_neuron", "load_connectome", "sign_of"]

Cells = Literal["neurons", "all"]

_SOURCE = "cook2019-hermaphrodite"
_CITATION = (
    "Cook SJ et al. (2019) Whole-animal connectomes of both Caenorhabditis elegans sexes. Nature 571:63-71"
    "; Wang C et al. (2024) A neurotransmitter atlas of C. elegans males and hermaphrodites. eLife 13:RP95402"
)
_LICENCE = "MIT (tables as distributed by the OpenWorm Connectome Toolbox, cect); cite the primary papers"
_INSTALL = "pip install --no-deps cect==0.3.5"
_WIRING_FILE, _TRANSMITTER_FILE = "Cook2019HermReader.json", "Wang2024HermReader.json"
_UNKNOWN_SIGN_VALUES = {"positive": 1, "negative": -1, "drop": 0}


def is_neuron(name: str) -> bool:
    """Say whether a cell of *C. elegans* is a neuron, from its name alone.

    Names of neurons are capitals and digits. So are those of the body-wall muscles (MDL01 ... MVR24) and of the GLR
    glia, which are excluded; every other cell of the tables has a lower-case letter (hyp, exc_cell, pm1, CEPshDL).
    The rule picks 302 of the 473 cells in the JSON, and agrees with the types in ``cect/data/all_cell_info.csv``.
    """
    return re.fullmatch(r"(?!GLR|M[DV][LR]\d\d$)[A-Z][A-Z0-9]*", name) is not None


def load_connectome(
    source: str = _SOURCE,
    *,
    path: str | Path | None = None,
    transmitters: str | Path | None = None,
    cells: Cells = "neurons",
    unknown_sign: UnknownSign = "positive",
) -> Connectome:
    """Load the wiring of *C. elegans*. Nothing is downloaded.

    Parameters
    ----------
    source
        Name of the data set; only ``"cook2019-hermaphrodite"`` so far.
    path
        A wiring file instead of the installed table: an edge-list ``.csv``, or a ``.json`` as in ``cect/cache``.
    transmitters
        A transmitter table (``Wang2024HermReader.json``) instead of the installed one, or ``"unknown"`` to do without:
        every sign is then what ``unknown_sign`` says.
    cells
        ``"neurons"`` (see `is_neuron`) or ``"all"``, with muscles, glia and the rest, named as in the file.
    unknown_sign
        What to do with synapses whose sign the transmitters do not tell (see `sign_of`): make them ``"positive"`` or
        ``"negative"``, or ``"drop"`` them.

    Returns
    -------
    Connectome
        Cells in alphabetical order. Numbers in motor-neuron names lose a leading zero (VA01 becomes VA1), as in the
        literature. The edge list of WormWiring never mentions CANL and CANR and gives 300 neurons instead of 302.

    Raises
    ------
    FileFormatError
        If the data are not installed (the message holds the command), or a file is truncated or of another form.
    CircuitError
        If `source`, `cells` or `unknown_sign` is not one of the values above.
    """
    for option, value, known in (
        ("source", source, (_SOURCE,)),
        ("cells", cells, ("neurons", "all")),
        ("unknown_sign", unknown_sign, tuple(_UNKNOWN_SIGN_VALUES)),
    ):
        if value not in known:
            raise CircuitError(f"load_connectome: {option}={value!r} is not known.{nearest(str(value), known)}")
    wiring = _installed(_WIRING_FILE, "path=FILE") if path is None else Path(path)
    if wiring.suffix == ".csv":
        names, chemical, gap = read_edge_list(wiring)
    elif wiring.suffix == ".json":
        names, (chemical, gap) = read_matrices(wiring, ("Generic_CS", "Generic_GJ"))
    else:
        raise FileFormatError(f"{wiring}: a connectome is read from a .csv edge list or a .json of matrices.")
    kept_names = tuple(sorted(name for name in names if cells == "all" or is_neuron(name)))
    kept = [names.index(name) for name in kept_names]
    block = np.ix_(kept, kept)
    if transmitters == "unknown":
        released: dict[str, tuple[str, ...]] = {}
    else:
        released = read_transmitters(
            _installed(_TRANSMITTER_FILE, "transmitters=FILE or 'unknown'")
            if transmitters is None
            else Path(transmitters)
        )
    used = tuple(released.get(name, ()) for name in kept_names)
    sign = np.array([sign_of(one) or _UNKNOWN_SIGN_VALUES[unknown_sign] for one in used], dtype=np.int8)
    ordered = gap[block]
    uneven = int(np.sum(np.triu(ordered != ordered.T)))
    notes = [f"{uneven} gap junctions have another weight in each direction; the larger is taken."] if uneven else []
    if transmitters == "unknown":
        notes.append("no transmitter table was read: every sign is a guess.")
    return Connectome(
        kept_names,
        chemical_from(chemical[block] * (sign != 0)[:, None], np.broadcast_to(sign[:, None], ordered.shape)),
        gap_from(np.maximum(ordered, ordered.T)),
        used,
        unknown_sign,
        source=_SOURCE,
        citation=_CITATION,
        licence=_LICENCE,
        notes=tuple(notes),
    )


def _installed(file_name: str, option: str) -> Path:
    """Find a table inside the installed cect wheel, without importing the package."""
    spec = importlib.util.find_spec("cect")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "cache" / file_name
        if path.is_file():
            return path
    raise FileFormatError(
        f"The data set {_SOURCE!r} needs {file_name}, which is not installed. Licence: {_LICENCE}. Install the tables "
        f"with `{_INSTALL}` (13.6 MB; its dependencies are not needed), or give {option}."
    )
