"""What the README and the docs say is so: their code runs and prints what stands there, their tables match the code."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import io
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import neurosim as ns
from neurosim import errors
from neurosim.circuit.language import CONSTANT_NAMES, FUNCTIONS, KNOWN_FLAGS, SPECIAL_NAMES
from neurosim.circuit.neuron_model import METHODS
from neurosim.circuit.synapse_model import SynapseModel
from neurosim.cli import main
from neurosim.program.discretise import DEFAULT_METHODS
from neurosim.program.lowering import lower
from neurosim.training import constraints, losses, regularisers
from neurosim.units import ms

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
EQUATIONS = (ROOT / "docs" / "equations.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
LARGEST_IMAGE = 300_000  # bytes


def blocks(text: str) -> list[tuple[str, str]]:
    """Return the fenced blocks of a page: (language, content)."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def table(text: str, header: str) -> list[list[str]]:
    """Return the rows of the table whose header line begins so, without header and rule."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(header))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


def code(cell: str) -> list[str]:
    """Return what stands between backticks."""
    return re.findall(r"`([^`]+)`", cell)


# --- the pages ---


@pytest.fixture
def own_preferences() -> Iterator[None]:
    """Put back the preference of Brian2 that a page may set, as scripts do."""
    import brian2

    before = brian2.prefs.codegen.target
    yield
    brian2.prefs.codegen.target = before


@pytest.mark.usefixtures("own_preferences")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_runs_and_prints_what_stands_below(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": page.stem}
    found = blocks(page.read_text(encoding="utf-8"))
    for number, (language, content) in enumerate(found):
        if language != "python":
            continue
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile(content, f"{page.name}, block {number}", "exec"), names)
        follows = found[number + 1] if number + 1 < len(found) else ("", "")
        if output.getvalue():
            assert follows[0] == "text", f"{page.name}: show what the block prints:\n{output.getvalue()}"
            assert output.getvalue() == follows[1]


@pytest.mark.parametrize("page", [page for page in PAGES if "```console" in page.read_text(encoding="utf-8")])
def test_commands_print_what_stands_below(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for language, content in blocks(page.read_text(encoding="utf-8")):
        file = re.match(r"# (\w+\.py)\n", content)
        if language == "python" and file is not None:
            (tmp_path / file[1]).write_text(content, encoding="utf-8")
        if language == "console":
            for command, expected in re.findall(r"^\$ neurosim (.*)\n((?:(?!\$ ).*\n)*)", content, re.MULTILINE):
                output = io.StringIO()
                with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
                    code = main(shlex.split(command))
                assert code == (2 if expected.startswith("neurosim: ") else 0), output.getvalue()
                assert output.getvalue() == expected, command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_images_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text):
        if re.match(r"https?:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name) if name else page
        assert file.exists(), f"{page.name}: {target} is not there"
        if file.suffix == ".png":
            assert file.stat().st_size < LARGEST_IMAGE
        if anchor:
            titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            known = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
            assert anchor in known, f"{page.name}: {target}: no such heading"


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for name in re.findall(r"(?:^|`)\s*make (\w+)", text, re.MULTILINE):
        assert name in targets, f"make {name}"
    for verb in re.findall(r"(?:^|`)neurosim (\w+)", text, re.MULTILINE):
        assert main([verb, "--help"]) == 0, f"neurosim {verb}"
    for circuit in re.findall(r"neurosim (?:run|show|verify) ([a-z-]+)(?=[ `]|$)", text):
        assert circuit in ns.circuits.names()
    for script in re.findall(r"((?:benchmarks|examples)/\w+\.py)", text):
        assert (ROOT / script).exists(), script


# --- the architecture ---


def test_floors_are_those_that_are_enforced() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(item for item in contract["contracts"] if item["id"] == "floors")["layers"]
    enforced = [set(re.findall(r"\w+", layer)) for layer in reversed(layers)]
    drawn = re.search(r"^`unit_table`.*?→ `cli`$", ARCHITECTURE, re.MULTILINE | re.DOTALL)
    assert drawn is not None
    floors = [set(code(part)) for part in drawn[0].split("→")]
    position = {name: number for number, layer in enumerate(enforced) for name in layer}
    numbers = [[position[name] for name in floor] for floor in floors]
    assert all(len(set(floor)) == 1 for floor in numbers)
    heights = [floor[0] for floor in numbers]
    assert heights == sorted(set(heights))


def test_the_house_has_these_folders() -> None:
    rows = table(ARCHITECTURE, "| folder |")
    for path in (path for row in rows for path in code(row[0])):
        assert (ROOT / path).exists(), path
    described = {path for row in rows for path in code(row[0])}
    for path in (ROOT / "neurosim").iterdir():
        if path.is_dir() and (path / "__init__.py").exists():
            assert f"neurosim/{path.name}/" in described


# --- the models ---


def generator() -> Any:
    """Import docs/generate_models.py, which is not part of the package."""
    spec = importlib.util.spec_from_file_location("generate_models", ROOT / "docs" / "generate_models.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_of_models_is_current() -> None:
    written = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    assert written == generator().page(), "docs/models.md is out of date: make docs"


def test_every_model_is_listed() -> None:
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    rows = [row for which in ("neuron", "synapse", "receptor") for row in table(page, f"| {which} |")]
    assert sorted(name for row in rows for name in code(row[0])) == sorted(ns.models.__all__)


@pytest.mark.parametrize("name", ns.models.__all__)
def test_every_model_says_what_it_is(name: str) -> None:
    """Equation, parameters with units or defaults, a value to check against, a source that can be found."""
    parts = generator().sections(inspect.getdoc(getattr(ns.models, name)) or "")
    assert re.search(r"math::|:math:`", parts[""])
    assert name == "Delta" or parts["Parameters"]
    assert re.search(r"\d", parts["Notes"])
    assert re.search(r"\((19|20)\d\d\)", parts["References"])


# --- the circuits ---


def test_every_circuit_is_listed() -> None:
    page = (ROOT / "docs" / "circuits.md").read_text(encoding="utf-8")
    assert tuple(code(row[0])[0] for row in table(page, "| circuit |")) == ns.circuits.names()


# --- training ---


@pytest.mark.parametrize(
    ("header", "home"), [("loss", losses), ("regulariser", regularisers), ("constraint", constraints)]
)
def test_what_training_offers_is_listed(header: str, home: Any) -> None:
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    listed = {name for row in table(page, f"| {header} |") for name in code(row[0])}
    offered = {name for name in home.__all__ if name[0].islower()} - {"hold", "reparametrise"}
    assert listed == offered


# --- the equations ---


def test_functions() -> None:
    rows = table(EQUATIONS, "| functions |")
    assert sorted(name for row in rows for name in code(row[0])) == sorted(FUNCTIONS)


def test_flags() -> None:
    assert sorted(code(row[0])[0] for row in table(EQUATIONS, "| flag |")) == sorted(KNOWN_FLAGS)


def test_names() -> None:
    named = {name for row in table(EQUATIONS, "| name |") for name in code(row[0])}
    assert (SPECIAL_NAMES | CONSTANT_NAMES | {"xi", "i", "N", "w"}) <= named


def test_methods() -> None:
    methods = [name for row in table(EQUATIONS, "| `method=` |") for name in code(row[0])]
    assert sorted(methods) == sorted(METHODS)
    assert DEFAULT_METHODS == ("exact", "euler")  # as the text says


@pytest.mark.parametrize("row", table(EQUATIONS, "| written |"), ids=lambda row: row[0])
def test_refused(row: list[str]) -> None:
    written, error = code(row[0])[0], getattr(errors, code(row[1])[0])
    with pytest.raises(error):
        ns.NeuronModel(f"dv/dt = v/tau : 1\nx = {written} : 1", parameters={"tau": 1 * ms})


@pytest.mark.parametrize(
    "written", ["int(v > 0)*v", "int(0 < v and v < 1)", "exprel(v) + clip(v, 0, 1)", "timestep(t, dt) + i/N", "inf"]
)
def test_what_stands_instead_is_accepted(written: str) -> None:
    ns.NeuronModel(f"dv/dt = v/tau : 1\nx = {written} : 1", parameters={"tau": 1 * ms})


@pytest.mark.parametrize(
    ("equations", "options", "error", "message"),
    [
        ("dv/dt = v/tau : 1 (linked)", {}, errors.EquationError, "unknown flag 'linked'"),
        ("v : 1 (shared)", {}, errors.EquationError, "shared"),
        ("dv/dt = xi_1*tau**-0.5 : 1", {}, errors.EquationError, "xi_1"),
        ("dv/dt = v*stimulus(t)/tau : 1", {}, errors.EquationError, "unknown function"),
        ("dv/dt = v/tau : mV", {}, errors.UnitError, "mV"),
        ("v : 1", {"threshold": "v > xi*tau**0.5"}, errors.EquationError, "xi"),
    ],
)
def test_features_of_brian2_that_are_refused(
    equations: str, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ns.NeuronModel(equations, parameters={"tau": 1 * ms}, **options)


def test_random_subexpressions_and_synapses_that_change_other_neurons_are_refused() -> None:
    circuit = ns.Circuit("refused", dt=1 * ms)
    model = ns.NeuronModel("v : 1\nx = rand() : 1", update="v = x", threshold="v > 1")
    circuit.population("cells", 2, model)
    with pytest.raises(errors.UnsupportedError, match="draws random numbers"):
        lower(circuit)
    for synapse in (
        SynapseModel(on_pre="v_pre += w"),
        SynapseModel(on_pre="v_post += w", on_post="v_post += w"),
        SynapseModel(on_pre="v_post += w", on_post="v_pre += w"),
    ):
        with pytest.raises(errors.EquationError, match="may not assign to"):
            circuit.connect("cells", "cells", ns.AllToAll(), synapse=synapse, weight=1.0)
    with pytest.raises(errors.EquationError, match="either graded or a pulse"):
        SynapseModel("v_post = w*s : 1 (summed)\ns : 1", on_pre="s += 1")
