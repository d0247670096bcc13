"""`neurosim doctor`: what this machine offers, what will not work or be slow, and what to do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from neurosim.cli.diagnosis import Finding
    from neurosim.cli.machine import Machine


@dataclass(frozen=True, kw_only=True)
class DoctorCommand:
    """Tell what this machine offers, and what will not work or be slow: exit code 1 if something cannot run."""

    json: bool = False
    """Print one JSON object instead of text."""

    def __call__(self, command: Sequence[str]) -> int:
        """Run the verb; return the exit code."""
        from neurosim.cli.machine import look

        return report(look(), as_json=self.json)


def report(machine: Machine, *, as_json: bool) -> int:
    """Print what was found and what it means; return the exit code."""
    from rich.console import Console

    from neurosim.cli.diagnosis import diagnose

    findings = diagnose(machine)
    broken = any(finding.level == "broken" for finding in findings)
    if as_json:
        content = {"ok": not broken, "findings": [asdict(finding) for finding in findings], "machine": asdict(machine)}
        print(json.dumps(content, allow_nan=False))
    else:
        _print(Console(highlight=False, soft_wrap=False), machine, findings)
    return 1 if broken else 0


def facts(machine: Machine) -> dict[str, str]:
    """Return what a machine offers as a reader wants to see it, by subject."""
    from neurosim.cli.diagnosis import gigabytes

    brian2, torch, numba = machine.brian2, machine.torch, machine.numba
    devices = [f"{item.name}, {gigabytes(item.free)} of {gigabytes(item.memory)} free" for item in torch.cuda]
    devices += ["Apple GPU (mps)"] if torch.mps else []
    compiler = machine.compiler
    targets = ["numpy"]
    targets += ["cython"] if compiler.works and brian2.cache_writable else []
    targets += ["cpp_standalone"] if compiler.works and machine.make else []
    triton = next((item.installed for item in machine.packages if item.name == "triton"), None)
    loops = machine.loops
    kept = f"kept in {loops.folder} ({gigabytes(loops.bytes)})" if loops.writable else "kept for a process only"
    compiled = [f"by numba on a CPU, {kept}"] if not numba.problem else []
    compiled += [f"by Triton {triton} on CUDA devices"] if triton and torch.cuda else []
    environment = [f"{name}={value}" for name, value in machine.environment.items()]
    return {
        "neurosim": machine.neurosim,
        "Python": f"{machine.python} ({machine.executable})",
        "platform": machine.platform,
        "processors": f"{machine.usable_cpus} of {machine.cpus} usable" + "".join(f", {item}" for item in environment),
        "memory": f"{gigabytes(machine.memory_free)} of {gigabytes(machine.memory)} free" if machine.memory else "?",
        "C++ compiler": f"{compiler.command}: {'works' if compiler.works else compiler.problem}",
        "Brian2": brian2.problem or f"{brian2.version}, targets {', '.join(targets)}",
        "its cache": f"{brian2.cache} ({gigabytes(brian2.cache_bytes)})" if brian2.cache else "?",
        "torch": torch.problem or f"{torch.version}, built for {torch.build}, {torch.threads} threads",
        "devices": "; ".join(devices) or "none but the CPU",
        "numba": numba.problem or f"{numba.version}, {numba.threads} threads, cache {numba.cache or 'nowhere'}",
        "Triton": triton or "not installed",
        "loops": "; ".join(compiled) or "none: torch's operations step through everything",
    }


_TITLES = {"broken": "Cannot run", "slow": "Will be slow", "missing": "Not installed, and not needed by all"}


def _print(console: Console, machine: Machine, findings: Sequence[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    def grid(rows: Any) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for name, *texts in rows:
            table.add_row(Text(name, style="bold"), *texts)
        return table

    console.print(grid((name, Text(text)) for name, text in facts(machine).items()))
    console.print()
    table = Table("package", "installed", "supported", "for", box=None, padding=(0, 2), pad_edge=False)
    for package in machine.packages:
        style = "" if package.fits else "red" if package.extra is None else "yellow"
        cells = (package.name, package.installed or "-", package.wanted or "any", package.extra or "")
        table.add_row(*(Text(cell, style=style) for cell in cells))
    console.print(table)
    for level, title in _TITLES.items():
        chosen = [finding for finding in findings if finding.level == level]
        if chosen:
            console.print()
            console.print(Text(title, style="bold red" if level == "broken" else "bold"))
            console.print(grid((f"  {item.subject}", Text(f"{item.text}\n-> {item.advice}")) for item in chosen))
    console.print()
    broken = [finding for finding in findings if finding.level == "broken"]
    verdict = (
        f"{len(broken)} of what neurosim needs cannot run." if broken else "Everything that neurosim needs is there."
    )
    console.print(Text(verdict, style="bold"))
