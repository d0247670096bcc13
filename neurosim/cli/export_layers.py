"""`neurosim export --to snntorch` and `--to norse`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.cli.circuits import NamedCircuit

if TYPE_CHECKING:
    from neurosim.cli.export import ExportCommand


def export(command: ExportCommand, named: NamedCircuit, path: Path) -> tuple[list[Path], dict[str, Any]]:
    """Write the script; return its files and what there is to tell."""
    from neurosim.interop import export_norse, export_snntorch

    write = export_norse if command.to == "norse" else export_snntorch
    script = write(named.circuit, path, overwrite=command.overwrite)
    return [script, script.with_suffix(".npz")], {}
