"""Circuit files: nothing is lost, nothing half written, nothing damaged is read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import neurosim.circuit as nc
from circuit.small import small, with_arrays
from circuit.strategies import circuits
from neurosim.circuit import files
from neurosim.circuit.files import load
from neurosim.errors import FileFormatError
from neurosim.random import Stream
from neurosim.units import ms, mV, pA


def content(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text())
    return data


# -- round trips -----------------------------------------------------------------------------------------------------


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(circuits())
def test_random_circuits_survive(tmp_path: Path, circuit: nc.Circuit) -> None:
    path = circuit.save(tmp_path / "circuit.json", overwrite=True)
    loaded = nc.Circuit.load(path)
    assert loaded == circuit
    assert loaded.digest() == circuit.digest()
    for name in circuit.projections:
        for column, again in zip(circuit.edges(name), loaded.edges(name), strict=True):
            np.testing.assert_array_equal(column, again)
    for name in ("cell", "steps"):
        for variable in circuit.populations[name].variables:
            np.testing.assert_array_equal(circuit.initial(name, variable), loaded.initial(name, variable))


def test_infinities_are_strict_json(tmp_path: Path) -> None:
    circuit = small()
    circuit.inject("stimulus", "exc", "i_ext", nc.Step(1 * pA))  # to the end: stop is infinite
    path = circuit.save(tmp_path / "c.json")
    assert "Infinity" not in path.read_text()
    assert {"$float": "inf"} in content(path)["circuit"]["parts"][-1]["signal"].values()
    assert load(path) == circuit


def test_a_text_that_looks_like_a_number_stays_a_text(tmp_path: Path) -> None:
    model = nc.NeuronModel("dfloat/dt = -float/ms : 1", name="inf")
    circuit = nc.Circuit("inf", dt=1 * ms)
    circuit.population("p", 2, model, initial={"float": "inf"}, labels=["inf", "$float"])
    assert load(circuit.save(tmp_path / "c.json")) == circuit


def test_any_name_of_a_circuit(tmp_path: Path) -> None:
    circuit = nc.Circuit('Ünïcode "quoted" \n \ud800', dt=1 * ms)
    assert load(circuit.save(tmp_path / "c.json")).name == circuit.name


def test_the_ready_made_models_survive(tmp_path: Path) -> None:
    from neurosim import models

    circuit = nc.Circuit("models", dt=0.1 * ms)
    circuit.population("a", 3, models.adaptive_exponential())
    circuit.population("b", 3, models.hodgkin_huxley())
    circuit.population("c", 3, models.izhikevich())
    assert load(circuit.save(tmp_path / "c.json")) == circuit


def test_arrays_stand_in_an_npz_only_where_there_are_some(tmp_path: Path) -> None:
    circuit = small()
    circuit.connect("exc", "inh", nc.FixedProbability(0.1), receptor="exc", weight=nc.Normal(0 * mV, 1 * mV))
    circuit.inject("stimulus", circuit.populations["exc"][2:9:3], "i_ext", nc.Step(1 * pA))
    circuit.edges("exc_to_inh")  # what was realised is no part of the circuit
    circuit.save(tmp_path / "rules.json")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["rules.json"]
    with_arrays().save(tmp_path / "arrays.json")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["arrays.json", "arrays.npz", "rules.json"]
    with np.load(tmp_path / "arrays.npz", allow_pickle=False) as archive:
        assert sorted(archive.files) == [
            "exc_to_inh.weight", "inh_to_exc.connectivity.post", "inh_to_exc.connectivity.pre", "stimulus.indices",
            "stimulus.signal",
        ]  # fmt: skip


def test_the_file_says_what_it_is(tmp_path: Path) -> None:
    circuit = with_arrays()
    data = content(circuit.save(tmp_path / "c.json"))
    assert (data["format"], data["version"], data["digest"]) == ("neurosim-circuit", 1, circuit.digest())
    assert data["circuit"]["name"] == "small"


def test_a_path_may_be_a_text_and_is_returned(tmp_path: Path) -> None:
    path = small().save(str(tmp_path / "my.circuit.json"))
    assert path == tmp_path / "my.circuit.json"
    assert nc.Circuit.load(str(path)) == small()


# -- writing ---------------------------------------------------------------------------------------------------------


def test_existing_files_are_kept_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    small().save(path)
    before = path.read_bytes()
    with pytest.raises(FileFormatError, match=r"c\.json exists already; choose another path or pass overwrite=True"):
        with_arrays().save(path)
    assert path.read_bytes() == before
    assert not (tmp_path / "c.npz").exists()


def test_an_npz_in_the_way_is_kept_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "c.npz").write_text("mine")
    with pytest.raises(FileFormatError, match=r"c\.npz exists already"):
        with_arrays().save(tmp_path / "c.json")
    assert [file.name for file in tmp_path.iterdir()] == ["c.npz"]
    small().save(tmp_path / "c.json")  # has no arrays, so does not touch it
    small().save(tmp_path / "c.json", overwrite=True)
    assert (tmp_path / "c.npz").read_text() == "mine"


def test_overwriting_replaces_the_pair(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    with_arrays().save(path)
    other = with_arrays().replace({"exc_to_inh.weight": 2 * np.arange(40.0) * mV})
    other.save(path, overwrite=True)
    assert load(path) == other
    small().save(path, overwrite=True)
    assert load(path) == small()
    assert [file.name for file in tmp_path.iterdir()] == ["c.json"]  # the old arrays went with the old circuit


def test_the_path_must_end_in_json(tmp_path: Path) -> None:
    for name in ("c", "c.npz", "c.yaml"):
        with pytest.raises(FileFormatError, match=r"must end in \.json"):
            small().save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failing", ["write json", "write arrays", "move arrays", "move json"])
def test_a_failure_leaves_the_old_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    path = tmp_path / "c.json"
    old = with_arrays()
    old.save(path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    fail_at(monkeypatch, failing)
    with pytest.raises(OSError, match="disk is full"):
        old.replace({"exc_to_inh.weight": 2 * np.arange(40.0) * mV}).save(path, overwrite=True)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    assert load(path) == old


@pytest.mark.parametrize("failing", ["write json", "write arrays", "move arrays", "move json"])
def test_a_failure_leaves_no_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    fail_at(monkeypatch, failing)
    with pytest.raises(OSError, match="disk is full"):
        with_arrays().save(tmp_path / "c.json")
    assert list(tmp_path.iterdir()) == []


def fail_at(monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    """Make one of the four operations of saving fail after it began."""
    verb, what = failing.split()
    if verb == "write":
        write = files._write

        def failing_write(path: Path, data: Any) -> None:
            write(path, b"half" if isinstance(data, bytes) == (what == "json") else data)
            if isinstance(data, bytes) == (what == "json"):
                raise OSError("disk is full")

        monkeypatch.setattr(files, "_write", failing_write)
        return
    replace = Path.replace
    suffix = ".json" if what == "json" else ".npz"

    def failing_replace(self: Path, target: Path) -> Path:
        if target.suffix == suffix and not self.name.endswith(".old"):
            raise OSError("disk is full")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing_replace)


def test_rules_of_ones_own_cannot_be_saved(tmp_path: Path) -> None:
    class Diagonal(nc.Connectivity):
        def _edges(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> tuple[np.ndarray, np.ndarray]:
            return np.arange(2), np.arange(2)

    circuit = small()
    circuit.connect("exc", "inh", Diagonal(), receptor="exc", weight=1 * mV)
    assert len(circuit.digest()) == 64  # so that it can be simulated
    with pytest.raises(FileFormatError, match="no connectivity rule 'Diagonal'"):
        circuit.save(tmp_path / "c.json")
    assert list(tmp_path.iterdir()) == []


class Slope(nc.SampledSignal):
    """A signal that files know nothing of."""

    unit = "amp"

    def sample(self, steps: np.ndarray, dt: float, n: int) -> np.ndarray:
        return np.outer(steps * dt, np.ones(n))

    def to_dict(self, arrays: dict[str, np.ndarray], key: str) -> dict[str, Any]:
        return {"signal": "Slope"}


def test_signals_of_ones_own_cannot_be_saved(tmp_path: Path) -> None:
    circuit = small()
    circuit.inject("stimulus", "exc", "i_ext", Slope())
    assert "stimulus: into exc.i_ext of 10 neurons, Slope" in str(circuit)
    assert len(circuit.digest()) == 64
    with pytest.raises(FileFormatError, match="injection 'stimulus': no file can hold a Slope"):
        circuit.save(tmp_path / "c.json")
    assert list(tmp_path.iterdir()) == []


@dataclass(frozen=True)
class Exponential(nc.Distribution):
    """A distribution of one's own; defining it makes it known to files."""

    scale: float

    @property
    def unit(self) -> str:
        return "1"

    def draw(self, n: int, stream: Stream) -> np.ndarray:
        return self.scale * stream.exponential(n)

    def with_unit(self, unit: str, where: str) -> Exponential:
        return self


def test_distributions_of_ones_own_survive(tmp_path: Path) -> None:
    circuit = small()
    model = nc.NeuronModel("dx/dt = -x/ms : 1", initial={"x": Exponential(2.0)})
    circuit.population("own", 50, model)
    assert "initially x = Exponential(scale=2.0)" in str(circuit)
    assert load(circuit.save(tmp_path / "c.json")) == circuit
    assert circuit.initial("own", "x").mean() == pytest.approx(2, rel=0.5)
