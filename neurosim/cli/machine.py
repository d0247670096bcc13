"""What a machine offers to neurosim: packages, compiler, processors, memory, devices. Looking changes nothing."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurosim.cache_folder import KERNELS, cache_folder
from neurosim.cli.requirements import Package, packages, python_wanted

#: Seconds that loading a package may take.
PATIENCE = 60
#: Variables that say how many threads numerical libraries may use.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")

#: Runs Python code elsewhere and returns the JSON object that it printed, or raises ``ChildFailed``.
Child = Callable[[str], dict[str, Any]]


class ChildFailed(Exception):
    """Code in another process did not end well; the text says how."""


@dataclass(frozen=True)
class Compiler:
    """The C++ compiler that Brian2 would call."""

    command: str
    works: bool
    problem: str = ""


@dataclass(frozen=True)
class Brian2:
    """Brian2 as it loads, and where it keeps what it compiled."""

    problem: str = ""
    version: str = ""
    cache: str = ""
    cache_bytes: int = 0
    cache_writable: bool = False


@dataclass(frozen=True)
class Device:
    """An accelerator."""

    name: str
    memory: int  # bytes
    free: int


@dataclass(frozen=True)
class Torch:
    """Torch as it loads."""

    problem: str = ""
    version: str = ""
    build: str = ""
    threads: int = 0
    cuda: tuple[Device, ...] = ()
    mps: bool = False


@dataclass(frozen=True)
class Numba:
    """Numba as it loads, and where it keeps the compiled generator of random numbers; "" where it cannot."""

    problem: str = ""
    version: str = ""
    threads: int = 0
    cache: str = ""


@dataclass(frozen=True)
class Loops:
    """Where generated loops are kept: the folder, the bytes in it, and whether more can be put there."""

    folder: str = ""
    bytes: int = 0
    writable: bool = False


@dataclass(frozen=True)
class Machine:
    """Everything that :func:`look` found."""

    neurosim: str
    python: str
    python_wanted: str
    python_fits: bool
    executable: str
    platform: str
    cpus: int
    usable_cpus: int
    memory: int  # bytes; 0 where unknown
    memory_free: int
    packages: tuple[Package, ...]
    compiler: Compiler
    make: bool
    brian2: Brian2
    torch: Torch
    numba: Numba
    nvidia: bool
    loops: Loops
    environment: Mapping[str, str] = field(default_factory=dict)


def look() -> Machine:
    """Look at this machine: some seconds, most of them for loading Brian2 and torch in processes of their own."""
    from neurosim.version import __version__

    with ThreadPoolExecutor() as pool:
        found_brian2 = pool.submit(brian2)
        found_torch = pool.submit(torch)
        found_numba = pool.submit(numba)
        found_compiler = pool.submit(compiler)
        memory, free = memory_bytes()
        wanted, fits = python_wanted()
        return Machine(
            neurosim=__version__, python=platform.python_version(), python_wanted=wanted, python_fits=fits,
            executable=sys.executable, platform=platform.platform(), cpus=os.cpu_count() or 1,
            usable_cpus=usable_cpus(), memory=memory, memory_free=free, packages=packages(),
            compiler=found_compiler.result(), make=shutil.which("make") is not None, brian2=found_brian2.result(),
            torch=found_torch.result(), numba=found_numba.result(), nvidia=nvidia_driver(), loops=loops(),
            environment={name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ},
        )  # fmt: skip


def in_child(code: str) -> dict[str, Any]:
    """Run code in another process: a package that does not load, or takes the interpreter down, is only reported.

    Raises
    ------
    ChildFailed
        With the last line of what went wrong.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=PATIENCE,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ChildFailed(f"it did not load within {PATIENCE} s") from None
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise ChildFailed(said[-1].strip() if said else f"the process ended with {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


_BRIAN2 = """
import json, brian2
from brian2.codegen.runtime.cython_rt.extension_manager import get_cython_cache_dir
print(json.dumps({"version": brian2.__version__, "cache": get_cython_cache_dir()}))
"""
_TORCH = """
import json, torch
devices = []
if torch.cuda.is_available():
    for number in range(torch.cuda.device_count()):
        free, memory = torch.cuda.mem_get_info(number)
        devices.append({"name": torch.cuda.get_device_name(number), "memory": memory, "free": free})
cuda, rocm = torch.version.cuda, torch.version.hip
build = f"CUDA {cuda}" if cuda else f"ROCm {rocm}" if rocm else "CPU"
print(json.dumps({
    "version": torch.__version__, "build": build, "threads": torch.get_num_threads(), "cuda": devices,
    "mps": torch.backends.mps.is_available(),
}))
"""
_NUMBA = """
import json, numba
from neurosim import philox
caches = [getattr(getattr(item, "_cache", None), "cache_path", None) for item in vars(philox).values()]
cache = next((path for path in caches if path), "")
print(json.dumps({"version": numba.__version__, "threads": numba.config.NUMBA_NUM_THREADS, "cache": cache}))
"""


def brian2(child: Child = in_child) -> Brian2:
    """Load Brian2 elsewhere and say what it is."""
    try:
        found = child(_BRIAN2)
    except ChildFailed as error:
        return Brian2(problem=str(error))
    folder = Path(found["cache"])
    return Brian2("", found["version"], str(folder), _size(folder), _writable(folder))


def torch(child: Child = in_child) -> Torch:
    """Load torch elsewhere and say what it is."""
    try:
        found = child(_TORCH)
    except ChildFailed as error:
        return Torch(problem=str(error))
    devices = tuple(Device(**device) for device in found["cuda"])
    return Torch("", found["version"], found["build"], found["threads"], devices, found["mps"])


def numba(child: Child = in_child) -> Numba:
    """Load numba elsewhere and say what it is."""
    try:
        found = child(_NUMBA)
    except ChildFailed as error:
        return Numba(problem=str(error))
    return Numba("", found["version"], found["threads"], found["cache"])


_SOURCE = '#include <Python.h>\n#include <vector>\nextern "C" int answer() { return std::vector<int>(42).size(); }\n'


def compiler(command: Sequence[str] | None = None) -> Compiler:
    """Compile a few lines against Python's headers, load the result and call it.

    Parameters
    ----------
    command
        The compiler; by default ``CXX`` of the environment, else the one that Python was built with.
    """
    given = (
        command
        if command is not None
        else shlex.split(os.environ.get("CXX") or sysconfig.get_config_var("CXX") or "c++")
    )
    text = shlex.join(given)
    if not given or shutil.which(given[0]) is None:
        return Compiler(text, works=False, problem="it is not installed")
    with tempfile.TemporaryDirectory(prefix="neurosim.") as folder:
        source, built = Path(folder) / "answer.cpp", Path(folder) / "answer.so"
        source.write_text(_SOURCE)
        links = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
        include = f"-I{sysconfig.get_path('include')}"
        try:
            done = subprocess.run(
                [*given, "-shared", "-fPIC", include, *links, str(source), "-o", str(built)],
                capture_output=True, text=True, timeout=PATIENCE, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return Compiler(text, works=False, problem=f"it does not run: {error}")
        if done.returncode != 0:
            errors = [line for line in done.stderr.splitlines() if "error" in line.lower()] or done.stderr.splitlines()
            said = errors[0].strip() if errors else f"it ended with {done.returncode}"
            return Compiler(text, works=False, problem=said.replace(f"{folder}/", ""))
        try:
            answer = ctypes.CDLL(str(built)).answer()
        except (OSError, AttributeError) as error:
            return Compiler(text, works=False, problem=f"what it makes cannot be loaded: {error}")
    return Compiler(text, works=answer == 42, problem="" if answer == 42 else "what it makes computes wrongly")


def usable_cpus() -> int:
    """Return how many processors this process may use, by its affinity and by the quota of a container."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, _, period = Path("/sys/fs/cgroup/cpu.max").read_text().partition(" ")
        return max(1, min(affinity, int(int(quota) / int(period) + 0.5)))
    except (OSError, ValueError):  # no container, or "max"
        return affinity


def memory_bytes() -> tuple[int, int]:
    """Return the memory of the machine (or its container) and how much is free, in bytes; 0 where unknown."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0, 0
    free = total
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free = int(line.split()[1]) * 1024
    except (OSError, ValueError):
        free = 0
    folder = Path("/sys/fs/cgroup")
    try:
        limit = int((folder / "memory.max").read_text())
        used = int((folder / "memory.current").read_text())
    except (OSError, ValueError):
        return total, free
    return min(total, limit), min(free, max(0, limit - used))


def loops() -> Loops:
    """Look where the torch backend keeps the loops that it generates."""
    folder = cache_folder() / KERNELS
    return Loops(str(folder), _size(folder), _writable(folder))


def _size(folder: Path) -> int:
    """Return how many bytes lie in a folder, 0 where there is none."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else 0


def nvidia_driver() -> bool:
    """Tell whether the machine has an NVIDIA driver, whatever torch makes of it."""
    return Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") is not None


def _writable(folder: Path) -> bool:
    """Tell whether files can be put into a folder, or it can be made."""
    place = next(path for path in (folder, *folder.parents) if path.exists())
    return place.is_dir() and os.access(place, os.W_OK)
