"""`neurosim doctor`: what it sees, what it makes of machines that lack something, and how it says so."""

from __future__ import annotations

import json
import shutil
import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from neurosim.cli import machine, main, requirements
from neurosim.cli.diagnosis import diagnose
from neurosim.cli.doctor import facts, report
from neurosim.cli.machine import Brian2, ChildFailed, Compiler, Device, Loops, Machine, Numba, Torch
from neurosim.cli.requirements import Package

GIB = 2**30


def package(name: str, installed: str | None, wanted: str = ">=2", extra: str | None = None) -> Package:
    return Package(name, wanted, installed, extra, fits=installed is not None and installed >= "2")


#: A machine that lacks nothing.
GOOD = Machine(
    neurosim="0.1.0", python="3.12.1", python_wanted=">=3.11", python_fits=True, executable="/usr/bin/python",
    platform="Linux-6", cpus=8, usable_cpus=8, memory=32 * GIB, memory_free=20 * GIB,
    packages=(
        package("numpy", "2.3"), package("brian2", "2.10"), package("torch", "2.9"), package("numba", "2.0"),
        package("matplotlib", "3.9", extra="plot"), package("triton", "3.2", extra="gpu"),
    ),
    compiler=Compiler("g++", works=True), make=True, brian2=Brian2("", "2.10", "/home/me/.cython", 5000, True),
    torch=Torch("", "2.9", "CUDA 12.8", 8, (Device("NVIDIA H100", 80 * GIB, 79 * GIB),), False),
    numba=Numba("", "0.65", 8, "/home/me/cache"), nvidia=True, loops=Loops("/home/me/kernels", 3 * 2**20, True),
)  # fmt: skip
CPU_ONLY = replace(GOOD, torch=replace(GOOD.torch, build="CPU", cuda=()), nvidia=False)


def with_package(name: str, installed: str | None, extra: str | None = None) -> Machine:
    others = tuple(item for item in GOOD.packages if item.name != name)
    return replace(GOOD, packages=(*others, package(name, installed, extra=extra)))


FAULTS: dict[str, tuple[Machine, str, str, str]] = {
    "no torch": (
        replace(with_package("torch", None), torch=Torch("ModuleNotFoundError: No module named 'torch'")),
        "broken", "torch", "not installed",
    ),
    "torch that does not load": (
        replace(GOOD, torch=Torch("OSError: libcudart.so.12")), "broken", "torch", "libcudart.so.12",
    ),
    "brian2 that does not load": (
        replace(GOOD, brian2=Brian2("AttributeError: module 'numpy' has no attribute 'trapz'")),
        "broken", "brian2", "trapz",
    ),
    "an old numpy": (with_package("numpy", "1.26"), "broken", "numpy", "1.26 is installed, neurosim supports >=2"),
    "an old Python": (replace(GOOD, python="3.10.2", python_fits=False), "broken", "Python", "3.10.2"),
    "no compiler": (
        replace(GOOD, compiler=Compiler("c++", works=False, problem="it is not installed")),
        "slow", "C++ compiler", "not installed",
    ),
    "no make": (replace(GOOD, make=False), "slow", "make", "cpp_standalone"),
    "a read-only home": (
        replace(GOOD, brian2=replace(GOOD.brian2, cache_writable=False)), "slow", "cache of Brian2", "written to",
    ),
    "an empty cache": (replace(GOOD, brian2=replace(GOOD.brian2, cache_bytes=0)), "slow", "cache of Brian2", "empty"),
    "a large cache": (
        replace(GOOD, brian2=replace(GOOD.brian2, cache_bytes=3 * GIB)), "slow", "cache of Brian2", "grown to 3.0 GiB",
    ),
    "no place for numba": (replace(GOOD, numba=replace(GOOD.numba, cache="")), "slow", "cache of numba", "anew"),
    "no place for loops": (
        replace(GOOD, loops=Loops("/root/kernels", 0, False)), "slow", "cache of loops", "/root/kernels cannot",
    ),
    "more threads than processors": (replace(GOOD, usable_cpus=2), "slow", "threads", "8 threads on 2 processors"),
    "one thread": (
        replace(GOOD, torch=replace(GOOD.torch, threads=1), environment={"OMP_NUM_THREADS": "1"}),
        "slow", "threads", "1 of 8 processors (OMP_NUM_THREADS=1)",
    ),
    "little memory": (replace(GOOD, memory_free=GIB), "slow", "memory", "1.0 GiB of 32.0 GiB"),
    "no GPU": (CPU_ONLY, "slow", "GPU", "there is none"),
    "a GPU that torch cannot use": (replace(CPU_ONLY, nvidia=True), "slow", "GPU", "built without CUDA"),
    "no plots": (with_package("matplotlib", None, "plot"), "missing", "plot", "matplotlib: figures"),
    "no triton": (with_package("triton", None, "gpu"), "missing", "gpu", "triton"),
    "old plots": (with_package("matplotlib", "1.5", "plot"), "missing", "matplotlib", "1.5 is installed"),
}  # fmt: skip


def test_a_machine_that_lacks_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert diagnose(GOOD) == []
    assert report(GOOD, as_json=False) == 0
    out = capsys.readouterr().out
    assert "Everything that neurosim needs is there." in out
    assert "Will be slow" not in out
    assert facts(GOOD)["loops"] == (
        "by numba on a CPU, kept in /home/me/kernels (3 MiB); by Triton 3.2 on CUDA devices"
    )
    assert "NVIDIA H100, 79.0 GiB of 80.0 GiB free" in facts(GOOD)["devices"]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_the_matter_and_what_to_do(fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    broken, level, subject, text = FAULTS[fault]
    findings = diagnose(broken)
    assert [(item.level, item.subject) for item in findings] == [(level, subject)]
    assert text in findings[0].text
    assert findings[0].advice
    code = 1 if level == "broken" else 0
    assert report(broken, as_json=False) == code
    out = " ".join(capsys.readouterr().out.split())
    assert subject in out
    assert ("cannot run." in out) == bool(code)
    assert report(broken, as_json=True) == code
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is not bool(code)
    assert told["findings"][0]["subject"] == subject
    assert told["machine"]["platform"] == "Linux-6"


def test_the_worst_comes_first() -> None:
    bad = replace(
        with_package("matplotlib", None, "plot"), compiler=Compiler("c++", False, "no"), python_fits=False
    )  # fmt: skip
    assert [item.level for item in diagnose(bad)] == ["broken", "slow", "missing"]


def test_without_a_gpu_nothing_is_said_of_its_extra() -> None:
    bare = replace(with_package("triton", None, "gpu"), torch=CPU_ONLY.torch, nvidia=False)
    assert "gpu" not in [item.subject for item in diagnose(bare)]


def test_loops_that_are_not_there() -> None:
    bare = replace(CPU_ONLY, numba=Numba("it does not load"))
    assert facts(bare)["loops"] == "none: torch's operations step through everything"
    assert facts(with_package("triton", None, "gpu"))["Triton"] == "not installed"


# --- looking ---


def test_where_loops_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path))
    assert machine.loops() == Loops(str(tmp_path / "kernels"), 0, True)
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels" / "one.py").write_text("12345")
    assert machine.loops().bytes == 5
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path / "file"))
    assert not machine.loops().writable


@pytest.mark.skipif(shutil.which("c++") is None, reason="there is no compiler")
def test_the_compiler_works() -> None:
    assert machine.compiler(["c++"]) == Compiler("c++", works=True)


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (["no-such-compiler"], "not installed"),
        (["false"], "ended with 1"),
        (["true"], "cannot be loaded"),
        ([], "not installed"),
    ],
)
def test_compilers_that_do_not_work(command: list[str], problem: str) -> None:
    found = machine.compiler(command)
    assert not found.works
    assert problem in found.problem


def test_the_first_error_of_a_compiler_is_told(tmp_path: Path) -> None:
    fake = tmp_path / "cxx"
    fake.write_text(
        "#!/bin/sh\necho 'note: hm' >&2\necho 'answer.cpp:1: fatal error: Python.h: No such file' >&2\nexit 1\n"
    )
    fake.chmod(0o755)
    assert machine.compiler([str(fake)]).problem == "answer.cpp:1: fatal error: Python.h: No such file"


def test_packages_are_those_of_this_platform_and_compared_with_what_is_there() -> None:
    there = {"numpy": "2.4.1", "Brian2": "2.9.0", "matplotlib": "3.9", "old": "1.0"}

    def installed(name: str) -> str:
        if name not in there:
            raise PackageNotFoundError(name)
        return there[name]

    lines = [
        "Brian2>=2.9", 'numpy<2.4,>=2; python_version > "3"', 'numpy>=9; python_version < "3"', "torch>=2.6",
        'matplotlib>=3.9; extra == "plot"', 'old>=2; extra == "nir"', 'pytest>=9; extra == "dev"',
        'neurosim-circuits[plot]; extra == "all"',
    ]  # fmt: skip
    found = {item.name: (item.installed, item.extra, item.fits) for item in requirements.packages(lines, installed)}
    assert found == {
        "Brian2": ("2.9.0", None, True), "numpy": ("2.4.1", None, False), "torch": (None, None, False),
        "matplotlib": ("3.9", "plot", True), "old": ("1.0", "nir", False),
    }  # fmt: skip


def test_extras_are_those_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(project["optional-dependencies"]) - {"all", "dev"} == set(requirements.EXTRAS)


@pytest.mark.parametrize("probe", [machine.brian2, machine.torch, machine.numba])
def test_what_does_not_load_is_reported(probe: Callable[..., Any]) -> None:
    def absent(code: str) -> dict[str, Any]:
        name = probe.__name__
        return machine.in_child(f"import sys; sys.modules[{name!r}] = None\n{code}")

    assert probe.__name__ in probe(absent).problem
    assert "ModuleNotFoundError" in probe(absent).problem


def test_a_child_that_dies_or_fails_is_told() -> None:
    assert machine.in_child("import json; print('noise'); print(json.dumps({'x': 1}))") == {"x": 1}
    with pytest.raises(ChildFailed, match="ended with -6"):
        machine.in_child("import os; os.abort()")
    with pytest.raises(ChildFailed, match="KeyError: 'x'"):
        machine.in_child("{}['x']")


def test_devices_and_caches_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100)
    assert machine.brian2(lambda code: {"version": "2.9", "cache": str(tmp_path)}) == Brian2(
        "", "2.9", str(tmp_path), 100, True
    )
    absent = machine.brian2(lambda code: {"version": "2.9", "cache": str(tmp_path / "not" / "yet")})
    assert (absent.cache_bytes, absent.cache_writable) == (0, True)
    file = machine.brian2(lambda code: {"version": "2.9", "cache": str(tmp_path / "a" / "below")})
    assert not file.cache_writable
    found = {"version": "2.9", "build": "CUDA 12", "threads": 4, "mps": False}
    device = {"name": "GPU", "memory": 8, "free": 5}
    assert machine.torch(lambda code: {**found, "cuda": [device]}).cuda == (Device("GPU", 8, 5),)


def test_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    """The real look, which must end well where the tests run."""
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    here = told["machine"]
    assert told["ok"] is True
    assert here["executable"] == sys.executable
    assert 1 <= here["usable_cpus"] <= here["cpus"]
    assert 0 < here["memory_free"] <= here["memory"]
    assert here["torch"]["threads"] >= 1
    assert {"brian2", "numpy", "torch"} <= {item["name"] for item in here["packages"]}
    assert [here[name]["problem"] for name in ("brian2", "torch", "numba")] == ["", "", ""]
