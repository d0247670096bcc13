from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neurosim import circuits
from neurosim.circuits import registry
from neurosim.experiments import Measured, Reproduction, Row, Skipped

Neurosim = Callable[..., Any]
GOOD, BAD = Row("rate (Hz)", 60.0, 60.5, 1.0), Row("regime", "fast", "slow")


@pytest.fixture
def experiment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Return what puts an experiment with a given result in place, and tells how it was called."""

    def install(*rows: Row, **more: Any) -> dict[str, Any]:
        called: dict[str, Any] = {}

        def run(*, folder: Path | None = None, **settings: Any) -> Reproduction:
            settings |= {} if folder is None else {"folder": folder}
            called.update(settings)
            return Reproduction("ca3-memory", rows, **more)

        monkeypatch.setattr(registry, "_imported", lambda place: run)
        return called

    return install


def test_without_a_name_they_are_listed(neurosim: Neurosim) -> None:
    done = neurosim("reproduce")
    assert done.code == 0
    assert tuple(line.split()[0] for line in done.out.splitlines()) == circuits.experiments()
    assert "ca3-memory" in done.out


def test_the_table_and_the_exit_code(neurosim: Neurosim, experiment: Callable[..., Any], workplace: Path) -> None:
    called = experiment(
        GOOD, BAD, skipped=(Skipped("worm", "the tables of cect"),), measured=(Measured("test set", "54.2 %"),)
    )
    done = neurosim("reproduce", "ca3-memory", "--quick", "--backend", "snntorch", "--dtype", "float32")
    assert done.code == 1
    assert called == {"quick": True, "backend": "snntorch", "options": {"dtype": "float32"}}
    lines = done.out.splitlines()
    assert any("rate (Hz)" in line and "60.5" in line and "ok" in line for line in lines)
    assert any("regime" in line and "slow" in line and "DIFFERS" in line for line in lines)
    assert "skipped: worm (needs the tables of cect)" in lines
    assert "measured: test set: 54.2 %" in lines
    assert "1 of 2 as reported" in done.out
    assert not list(workplace.iterdir())
    called = experiment(GOOD)
    assert neurosim("reproduce", "ca3-memory").code == 0
    assert called == {"quick": False, "backend": "brian2", "options": {}}
    experiment()
    assert neurosim("reproduce", "ca3-memory").code == 1, "nothing was compared"


def test_what_only_some_experiments_take(neurosim: Neurosim, experiment: Callable[..., Any], workplace: Path) -> None:
    called = experiment(GOOD)
    assert neurosim("reproduce", "ca3-memory", "--folder", "runs").code == 0
    assert called["folder"] == Path("runs")
    done = neurosim("reproduce", "ca3-memory", "--data")
    assert done.code == 2
    assert "takes no data: it needs no data beside those that come with neurosim" in done.err


def test_json(neurosim: Neurosim, experiment: Callable[..., Any], workplace: Path) -> None:
    experiment(GOOD, BAD)
    expected = Reproduction("ca3-memory", (GOOD, BAD)).summary()
    done = neurosim("reproduce", "ca3-memory", "--json", "-")
    assert (done.code, json.loads(done.out)) == (1, expected)
    done = neurosim("reproduce", "ca3-memory", "--json", "table.json")
    assert done.code == 1
    assert json.loads((workplace / "table.json").read_text()) == expected
    assert {path.name for path in workplace.iterdir()} == {"table.json", "table.manifest.json"}
    manifest = json.loads((workplace / "table.manifest.json").read_text())
    assert (manifest["experiment"], manifest["backend"], manifest["ok"]) == ("ca3-memory", "brian2", False)
    assert manifest["versions"]["brian2"]
    assert neurosim("reproduce", "ca3-memory", "--json", "table.json").code == 2, "it is there already"
    assert neurosim("reproduce", "ca3-memory", "--json", "table.json", "--overwrite").code == 1


def test_what_cannot_be(neurosim: Neurosim, experiment: Callable[..., Any], workplace: Path) -> None:
    experiment(GOOD)
    for words, message in (
        (("ca3-memry",), "Did you mean 'ca3-memory'"),
        (("ca3-memory", "--dtype", "float32"), "option of the snntorch backend"),
        (("ca3-memory", "--backend", "snntorch:cython"), "targets are of brian2"),
        (("ca3-memory", "--plot", "figure.xyz"), "must end in"),
        (("ca3-memory", "--plot", "figure.png"), "has no figure"),
    ):
        pytest.importorskip("matplotlib")
        done = neurosim("reproduce", *words)
        assert done.code == 2
        assert message in done.err
    assert not list(workplace.iterdir())


def test_the_memory_of_ca3(neurosim: Neurosim, workplace: Path) -> None:
    pytest.importorskip("matplotlib")
    done = neurosim("reproduce", "ca3-memory", "--quick", "--json", "table.json", "--plot", "figure.png")
    assert done.code == 0, done.out + done.err
    rows = json.loads((workplace / "table.json").read_text())["rows"]
    values = {row["what"]: row["obtained"] for row in rows}
    assert [values[f"{name}: spikes"] for name in ("functional", "stress", "application")] == [262, 1567, 402]
    assert all(row["reported"] == row["obtained"] for row in rows)
    assert (workplace / "figure.png").read_bytes().startswith(b"\x89PNG")
