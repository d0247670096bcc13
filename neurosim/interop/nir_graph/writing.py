"""A circuit as a file of NIR."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from neurosim.circuit.circuit import Circuit
from neurosim.errors import UnsupportedError, nearest
from neurosim.interop.nir_graph.convention import LOSSES, library
from neurosim.interop.nir_graph.writer import Writer
from neurosim.interop.script_files import check_free
from neurosim.program.step_program import STEP_SEMANTICS
from neurosim.version import __version__


@dataclass(frozen=True)
class NirReport:
    """What became of a circuit that was written as NIR.

    Parameters
    ----------
    path
        The file.
    nodes
        How many there are of each kind.
    lost
        What the file does not hold, each with the part that it belonged to.
    """

    path: Path
    nodes: Mapping[str, int]
    lost: tuple[str, ...]

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.nodes.items()))
        return "\n".join([f"{self.path}: {kinds}", *(f"lost: {what}" for what in self.lost)])


def to_nir(
    circuit: Circuit,
    path: str | Path,
    *,
    spikes: str = "dirac",
    allow_lossy: Collection[str] = (),
    overwrite: bool = False,
) -> NirReport:
    """Write a circuit as a graph of NIR (https://neuroir.org), a file that many simulators and chips read.

    Values are those of continuous time, in SI; dt and what a step means are noted as information. What the equations
    say decides what a population is: ``LIF``, ``CubaLIF``, ``LI``, ``CubaLI``, ``IF``, ``I`` or ``Threshold``, with an
    ``LI`` for each further synapse; projections are ``Linear``, ``Affine`` (with the constant currents), ``Scale``,
    ``Conv1d``, ``Conv2d``, with ``Delay`` and ``Flatten`` before.

    Parameters
    ----------
    circuit
        Linear membranes (see :mod:`neurosim.interop.linear_neuron`), static synapses.
    path
        The file, usually ``.nir``.
    spikes
        ``"dirac"``: a spike has an area of 1, as NIR says. ``"step"``: it is a current of 1 for one step of the
        circuit's dt, as several libraries execute a file; weights are larger by 1/dt.
    allow_lossy
        What may be lost, of ``"delay"``, ``"refractory"``, ``"initial"``, ``"reset"``, ``"plasticity"``, ``"input"``,
        and ``"map"``: a discrete map becomes the equation whose Euler step it is.
    overwrite
        Whether a file that exists may be replaced.

    Returns
    -------
    NirReport
        What is in the file and what is not.

    Raises
    ------
    UnsupportedError
        If NIR cannot hold something that may not be lost, with everything of that kind; if nir is not installed.
    FileFormatError
        If the file exists already.
    """
    target = Path(path)
    check_free(target, overwrite=overwrite)
    nir = library("to_nir")
    for name in allow_lossy:
        if name not in LOSSES:
            raise UnsupportedError(f"allow_lossy: there is no loss {name!r}.{nearest(str(name), LOSSES)}")
    writer = Writer(circuit, nir, spikes, frozenset(allow_lossy))
    drawing = writer.drawn()
    information = {
        "written_by": f"neurosim {__version__}", "circuit": circuit.name, "dt": circuit.dt, "step": STEP_SEMANTICS,
        "spikes": spikes,
    }  # fmt: skip
    graph = nir.NIRGraph(drawing.nodes, drawing.edges, metadata=information)
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        nir.write(staged, graph)
        os.replace(staged, target)
    finally:
        staged.unlink(missing_ok=True)
    kinds = Counter(type(node).__name__ for node in graph.nodes.values())
    return NirReport(target, dict(kinds), tuple(writer.lost))
