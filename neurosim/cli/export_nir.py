"""`neurosim export --to nir`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.cli.circuits import NamedCircuit

if TYPE_CHECKING:
    from neurosim.cli.export import ExportCommand


def export(command: ExportCommand, named: NamedCircuit, path: Path) -> tuple[list[Path], dict[str, Any]]:
    """Write the graph; return its file and what there is to tell."""
    from neurosim.interop import to_nir

    report = to_nir(
        named.circuit, path, spikes=command.spikes or "dirac", allow_lossy=command.allow_lossy,
        overwrite=command.overwrite,
    )  # fmt: skip
    return [report.path], {"nodes": dict(report.nodes), "lost": list(report.lost)}
