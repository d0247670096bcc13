"""From what a machine offers to what will not work, what will be slow, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from neurosim.cli.machine import Machine
from neurosim.cli.requirements import DISTRIBUTION, EXTRAS

#: Free memory under which ordinary circuits begin to fail, in bytes: torch alone takes a quarter of it.
LITTLE_MEMORY = 2 * 2**30
#: Size at which Brian2 itself begins to warn of its cache, in bytes.
LARGE_CACHE = 1_000_000_000

Level = Literal["broken", "slow", "missing"]


@dataclass(frozen=True)
class Finding:
    """Something that is not as it could be.

    Parameters
    ----------
    level
        ``"broken"``: something cannot run. ``"slow"``: it runs, but slower than it could. ``"missing"``: an option that
        is not installed.
    subject
        What it is about.
    text
        What is the matter.
    advice
        What to do.
    """

    level: Level
    subject: str
    text: str
    advice: str


def diagnose(machine: Machine) -> list[Finding]:
    """Return what is not as it could be, the worst first."""
    order = ("broken", "slow", "missing")
    found = [*_versions(machine), *_loading(machine), *_compiling(machine), *_computing(machine), *_extras(machine)]
    return sorted(found, key=lambda finding: order.index(finding.level))


def _versions(machine: Machine) -> Iterator[Finding]:
    if not machine.python_fits:
        yield Finding(
            "broken", "Python", f"{machine.python} runs here, neurosim needs {machine.python_wanted}.",
            "make PYTHON=/path/to/another/python",
        )  # fmt: skip
    for package in machine.packages:
        if package.extra is None and package.installed is None:
            yield Finding(
                "broken", package.name, "it is not installed, and neurosim needs it.",
                f"pip install '{package.name}{package.wanted}'",
            )  # fmt: skip
        elif not package.fits and package.installed is not None:
            level: Level = "broken" if package.extra is None else "missing"
            yield Finding(
                level, package.name, f"{package.installed} is installed, neurosim supports {package.wanted}.",
                f"pip install '{package.name}{package.wanted}'",
            )  # fmt: skip


def _loading(machine: Machine) -> Iterator[Finding]:
    there = {package.name for package in machine.packages if package.installed is not None}
    uses = {
        "brian2": "every run, on either backend, needs it",
        "torch": "the snntorch backend needs it",
        "numba": "every run with noise needs it",
    }
    for name, use in uses.items():
        problem = getattr(machine, name).problem
        if problem and (name in there or not machine.packages):
            yield Finding(
                "broken", name, f"it does not load ({problem}); {use}.", f"pip install --force-reinstall {name}"
            )


def _compiling(machine: Machine) -> Iterator[Finding]:
    compiler = machine.compiler
    if not compiler.works:
        linux = "apt install g++ python3-dev, or what your system calls them"
        yield Finding(
            "slow", "C++ compiler",
            f"{compiler.command}: {compiler.problem}. Brian2 then computes with numpy only; "
            "brian2:cython and brian2:cpp_standalone cannot be used.",
            "xcode-select --install" if machine.platform.startswith("macOS") else linux,
        )  # fmt: skip
    elif machine.brian2.cache and not machine.brian2.cache_writable:
        yield Finding(
            "slow", "cache of Brian2", f"{machine.brian2.cache} cannot be written to: brian2:cython cannot be used.",
            "set codegen.runtime.cython.cache_dir in Brian2's preferences, or HOME, to a place of yours",
        )  # fmt: skip
    elif machine.brian2.cache and not machine.brian2.cache_bytes:
        yield Finding(
            "slow", "cache of Brian2", "it is empty: the first run of a circuit with brian2:cython compiles first.",
            "nothing; later runs of circuits with the same names and equations find it",
        )  # fmt: skip
    if compiler.works and not machine.make:
        yield Finding(
            "slow", "make", "it is not installed: brian2:cpp_standalone cannot be used.",
            "apt install make, or what your system calls it",
        )  # fmt: skip
    if machine.brian2.cache_bytes > LARGE_CACHE:
        yield Finding(
            "slow", "cache of Brian2", f"{machine.brian2.cache} has grown to {gigabytes(machine.brian2.cache_bytes)}.",
            "python -c \"import brian2; brian2.clear_cache('cython')\"",
        )  # fmt: skip
    if not machine.numba.problem and not machine.numba.cache:
        yield Finding(
            "slow", "cache of numba", "it has no place: the generator of noise is compiled anew in every process.",
            "set NUMBA_CACHE_DIR to a folder that you can write to",
        )  # fmt: skip

    if not machine.loops.writable:
        yield Finding(
            "slow", "cache of loops", f"{machine.loops.folder} cannot be written to: every process compiles anew.",
            "set NEUROSIM_CACHE to a folder that you can write to",
        )  # fmt: skip


def _computing(machine: Machine) -> Iterator[Finding]:
    threads, cpus = machine.torch.threads, machine.usable_cpus
    if threads > cpus:
        yield Finding(
            "slow", "threads", f"torch starts {threads} threads on {_processors(cpus)}: they wait for each other.",
            f"export OMP_NUM_THREADS={cpus}",
        )  # fmt: skip
    elif 0 < threads < cpus:
        by = (
            f" (OMP_NUM_THREADS={machine.environment['OMP_NUM_THREADS']})"
            if "OMP_NUM_THREADS" in machine.environment
            else ""
        )
        yield Finding(
            "slow", "threads", f"torch uses {threads} of {_processors(cpus)}{by}; large networks could use all.",
            f"export OMP_NUM_THREADS={cpus}",
        )  # fmt: skip
    if machine.memory and machine.memory_free < LITTLE_MEMORY:
        yield Finding(
            "slow", "memory",
            f"{gigabytes(machine.memory_free)} of {gigabytes(machine.memory)} are free: large circuits and recordings "
            "will not fit.",
            "record less, or every so often (every=), or close other programs",
        )  # fmt: skip
    if machine.torch.problem or machine.torch.cuda or machine.torch.mps:
        return
    if machine.nvidia:
        reason = "was built without CUDA" if machine.torch.build == "CPU" else "does not reach the device"
        yield Finding(
            "slow", "GPU", f"there is an NVIDIA driver, but torch ({machine.torch.build}) {reason}.",
            "install torch for your driver: https://pytorch.org/get-started/locally/",
        )  # fmt: skip
    else:
        yield Finding(
            "slow", "GPU", "there is none that torch can use: training of large networks and batches runs on the CPU.",
            "nothing for simulation; for training a machine with an NVIDIA GPU, then --device cuda",
        )  # fmt: skip


def _extras(machine: Machine) -> Iterator[Finding]:
    for extra, gives in EXTRAS.items():
        absent = [item.name for item in machine.packages if item.extra == extra and item.installed is None]
        if extra == "gpu" and not machine.torch.cuda:
            continue  # nothing to run it on
        if absent:
            yield Finding("missing", extra, f"{', '.join(absent)}: {gives}.", f"pip install '{DISTRIBUTION}[{extra}]'")


def _processors(count: int) -> str:
    return f"{count} processor{'s' if count > 1 else ''}"


def gigabytes(size: int) -> str:
    """Return a number of bytes as a person reads it."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**29 else f"{size / 2**20:.0f} MiB"
