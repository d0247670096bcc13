"""`neurosim export --to brian2-script`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.cli.circuits import NamedCircuit

if TYPE_CHECKING:
    from neurosim.cli.export import ExportCommand


def export(command: ExportCommand, named: NamedCircuit, path: Path) -> tuple[list[Path], dict[str, Any]]:
    """Write the script; return its files and what there is to tell."""
    from neurosim.interop import export_brian2_script

    duration, statements = command.duration_of(named.duration), command.statements or "exact"
    script = export_brian2_script(
        named.circuit, path, duration, seed=command.seed, statements=statements, overwrite=command.overwrite
    )
    told = {"statements": statements, "duration": float(duration), "seed": command.seed}
    return [script, script.with_suffix(".npz")], told
