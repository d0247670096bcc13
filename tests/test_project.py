"""The project as it is installed: quick to import, complete, nothing beside its own name."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
import sysconfig
import time
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import neurosim.version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DISTRIBUTION = PROJECT["project"]["name"]
PACKAGES = {"neurosim": "neurosim", "circuits": "neurosim.circuits", "datasets": "neurosim.datasets"}
COMMAND = Path(sysconfig.get_path("scripts")) / "neurosim"
#: What only scripts of the benchmarks import, where it is installed.
PEERS = {"jax", "nest", "sparx", "spikingjelly"}
HEAVY = {"brian2", "matplotlib", "norse", "numba", "snntorch", "torch", "xarray", "zarr"}


def run(command: Sequence[str | Path], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in an empty folder, as a user would: the checkout must not be on its path."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | environment
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        pytest.fail(f"{command} ended with {done.returncode}; is the project installed (make setup)?\n{done.stderr}")
    return done


def seconds_above_the_interpreter(command: Sequence[str | Path], folder: Path) -> float:
    """Return by how much a command's time exceeds that of an interpreter that does nothing.

    The quickest of several runs of each: what else the machine does can only add.
    """
    times: dict[str, list[float]] = {"nothing": [], "command": []}
    run(command, folder)  # writes the byte code
    for _ in range(9):
        for name, what in (("nothing", [sys.executable, "-c", "pass"]), ("command", command)):
            start = time.perf_counter()
            run(what, folder)
            times[name].append(time.perf_counter() - start)
    return min(times["command"]) - min(times["nothing"])


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def test_import_is_quick(tmp_path: Path) -> None:
    assert seconds_above_the_interpreter([sys.executable, "-c", "import neurosim"], tmp_path) < 0.3


def test_help_is_quick(tmp_path: Path) -> None:
    assert seconds_above_the_interpreter([COMMAND, "--help"], tmp_path) < 0.5


@pytest.mark.parametrize(
    "command", [[sys.executable, "-c", "import neurosim"], [COMMAND, "--help"]], ids=["import", "help"]
)
def test_no_backend_is_loaded(command: list[str | Path], tmp_path: Path) -> None:
    imported = run(command, tmp_path, PYTHONPROFILEIMPORTTIME="1").stderr
    names = {line.rpartition("|")[2].strip().partition(".")[0] for line in imported.splitlines()}
    assert "neurosim" in names
    assert not names & HEAVY


@pytest.mark.parametrize("name", ["circuits", "datasets"])
def test_no_top_level_module_beside_neurosim(name: str, tmp_path: Path) -> None:
    find = f"import importlib.util; spec = importlib.util.find_spec({name!r}); print(spec and spec.origin)"
    assert run([sys.executable, "-c", find], tmp_path).stdout.strip() != str(ROOT / name / "__init__.py")
    assert DISTRIBUTION not in importlib.metadata.packages_distributions().get(name, [])


def test_no_module_hides_a_public_name(tmp_path: Path) -> None:
    code = (
        "import neurosim, types\n"
        "for name in neurosim.__all__: getattr(neurosim, name)  # loads the modules, which become attributes too\n"
        "print(*(name for name in neurosim.__all__ if isinstance(getattr(neurosim, name), types.ModuleType)))"
    )
    found = run([sys.executable, "-c", code], tmp_path).stdout.split()
    assert found == ["analysis", "circuits", "datasets", "fitting", "interop", "models", "training", "units"]


def test_every_folder_is_packaged() -> None:
    found = {
        ".".join([name, *path.parent.relative_to(ROOT / folder).parts])
        for folder, name in PACKAGES.items()
        for path in files(ROOT / folder)
    }
    listed = set(PROJECT["tool"]["setuptools"]["packages"])
    assert found == listed, f"pyproject.toml, packages: add {sorted(found - listed)}, remove {sorted(listed - found)}"


def test_version_is_the_installed_one() -> None:
    assert importlib.metadata.version(DISTRIBUTION) == neurosim.version.__version__


def test_what_is_imported_is_required() -> None:
    normal = re.compile(r"[-_.]+")
    required = {
        normal.sub("-", re.split(r"[^\w.-]", line, maxsplit=1)[0]).lower()
        for lines in [PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"].values()]
        for line in lines
    }
    owners = importlib.metadata.packages_distributions()
    missing = {}
    for path in (path for folder in PACKAGES for path in (ROOT / folder).rglob("*.py")):
        for name in imported_packages(path) - set(sys.stdlib_module_names) - {"neurosim"} - PEERS:
            owner = {normal.sub("-", owner).lower() for owner in owners.get(name, [name])}
            if not owner & required:
                missing[name] = str(path.relative_to(ROOT))
    assert missing == {}, "name them in pyproject.toml and constraints.txt"


def imported_packages(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_every_requirement_has_an_exact_version() -> None:
    pinned = set(re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE))
    lines = [PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"].values()]
    asked = {re.split(r"[^\w.-]", line, maxsplit=1)[0] for group in lines for line in group} - {DISTRIBUTION}
    assert asked - pinned == set()
