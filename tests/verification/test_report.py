from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from neurosim.errors import FileFormatError
from neurosim.verification import Comparison, Divergence, PopulationSpikes, VariableDifference, VerifyReport


def report(first: Divergence | None = None, cause: Divergence | None = None, **changes: Any) -> VerifyReport:
    spikes = PopulationSpikes("exc", 100, (1234, 1230), 1200, (34, 30), (3.4, 3.0))
    state = (VariableDifference("exc.v", 1e-12, 2e-11), VariableDifference("exc.spikes", 0.0, 0.0))
    comparison = Comparison("brian2", "snntorch", 0.0, first, cause, (spikes,), (), state)
    same = PopulationSpikes("exc", 100, (1234, 1234), 1234, (0, 0), (0.0, 0.0))
    eager = Comparison("brian2", "snntorch:eager", 1e-9, None, None, (same,), (), state)
    content: dict[str, Any] = {
        "circuit": "net", "circuit_digest": "ab12", "dt": 1e-4, "n_steps": 3000, "start_step": 0, "seed": 5,
        "trials": 1, "dtype": "float64", "semantics": "...", "versions": {"brian2": "2.9.0"},
        "spikes": {"brian2": 1234, "snntorch": 1230, "snntorch:eager": 1234}, "comparisons": (comparison, eager),
    }  # fmt: skip
    return VerifyReport(**{**content, **changes})


SPIKE = Divergence(1500, 0.15, 0, "exc", 7, "spikes", (1.0, 0.0), "1")
VALUE = Divergence(1490, 0.149, 2, "exc", 8, "v", (-0.05, -0.050000001), "volt")


def test_outcome() -> None:
    assert report().identical
    parted = report(SPIKE, VALUE)
    assert not parted.identical
    assert parted.first_divergence == SPIKE
    assert parted["snntorch:eager"].identical
    assert (parted.tolerance, parted.final_state_max_abs_diff, parted.final_state_max_rel_diff) == (1e-9, 1e-12, 2e-11)
    assert parted.duration == pytest.approx(0.3)
    with pytest.raises(KeyError, match="'norse' was not compared; there are snntorch, snntorch:eager"):
        parted["norse"]


def test_earliest_divergence_of_several() -> None:
    late = report(SPIKE)
    comparisons = (late.comparisons[0], replace(late.comparisons[1], first_divergence=VALUE))
    assert report(comparisons=comparisons).first_divergence == VALUE


def test_text_of_identical_runs() -> None:
    assert report().text().splitlines() == [
        "net: 300 ms in 3000 steps of 0.1 ms, seed 5, float64",
        "IDENTICAL",
        "",
        "backend         spikes             largest relative difference  tolerance",
        "brian2           1,234  reference",
        "snntorch         1,230  identical  2e-11 (exc.v)                0",
        "snntorch:eager   1,234  identical  2e-11 (exc.v)                1e-09",
    ]


def test_text_says_where_runs_part() -> None:
    text = str(report(SPIKE, VALUE))
    assert "NOT IDENTICAL" in text
    assert "  first divergence: step 1500 (150 ms), exc neuron 7: a spike in brian2 only" in text
    assert (
        "  states differ from: step 1490 (149 ms), exc neuron 8, trial 2: v is -0.05 V against -0.050000001 V" in text
    )
    assert "exc             100  1,234 | 1,230      1,200  34 | 30        3.4 | 3       -11.76%" in text
    assert "exc.v                                1e-12     2e-11" in text
    assert "exc.spikes" not in text, "what is equal is not listed"
    assert "snntorch:eager against" not in text, "nor is a backend that agrees"


def test_text_is_cut_where_it_would_be_long() -> None:
    many = tuple(VariableDifference(f"p{index}.v", 1.0, float(index)) for index in range(1, 21))
    parted = report(VALUE)
    lines = report(comparisons=(replace(parted.comparisons[0], state=many),), spikes={"brian2": 1, "snntorch": 1})
    assert "p20.v" in lines.text()
    assert "p12.v" not in lines.text()
    assert "... and 12 more" in lines.text()


def test_repr_is_one_line() -> None:
    assert repr(report(SPIKE)) == "<VerifyReport 'net', 0.3 s, brian2, snntorch, snntorch:eager: not identical>"


# -- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [(1.0, 0.0), (math.nan, math.inf)], ids=["numbers", "not finite"])
def test_saved_reports_come_back_equal(values: tuple[float, float], tmp_path: Path) -> None:
    before = report(replace(SPIKE, values=values), VALUE)
    after = VerifyReport.load(before.save(tmp_path / "report.json"))
    assert after == before
    assert after.text() == before.text()
    assert VerifyReport.from_dict(json.loads(before.to_json())) == before
    assert isinstance(after.comparisons[0].spikes[0].counts, tuple)


def test_reports_differ_by_any_value() -> None:
    assert report() != report(seed=6)
    assert report(SPIKE) != report(replace(SPIKE, neuron=8))
    assert report() != "report"
    assert report() == report(recordings={"brian2": object()}), "recordings do not count"


def test_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    path = report().save(tmp_path / "report.json")
    before = path.read_bytes()
    with pytest.raises(FileFormatError, match="exists already; pass overwrite=True"):
        report(SPIKE).save(path)
    assert path.read_bytes() == before
    report(SPIKE).save(path, overwrite=True)
    assert VerifyReport.load(path) == report(SPIKE)
    with pytest.raises(FileFormatError, match=r"the folder .*nowhere does not exist"):
        report().save(tmp_path / "nowhere" / "report.json")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"seed": 5', '"seed": 6', "was changed after it was written"),
        ('"identical"', '"identical"', None),
        ('"version": 1', '"version": 2', "has version 2; this neurosim reads 1"),
        ("neurosim-verify-report", "neurosim-circuit", "is no report of a verification"),
    ],
)
def test_edited_files_are_refused(old: str, new: str, message: str | None, tmp_path: Path) -> None:
    path = report(SPIKE).save(tmp_path / "report.json")
    path.write_text(path.read_text().replace(old, new))
    if message is None:
        assert VerifyReport.load(path) == report(SPIKE)
        return
    with pytest.raises(FileFormatError, match=message):
        VerifyReport.load(path)


def test_truncated_and_missing_files_are_refused(tmp_path: Path) -> None:
    path = report().save(tmp_path / "report.json")
    path.write_text(path.read_text()[:-200])
    with pytest.raises(FileFormatError, match="cut short"):
        VerifyReport.load(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileFormatError, match="is no report"):
        VerifyReport.load(path)
    path.write_text("[]")
    with pytest.raises(FileFormatError, match="is no report of a verification"):
        VerifyReport.load(path)
    with pytest.raises(FileFormatError, match=r"none\.json cannot be read: No such file"):
        VerifyReport.load(tmp_path / "none.json")


def test_a_report_without_a_field_is_refused() -> None:
    content = report().to_dict()
    del content["seed"]
    with pytest.raises(FileFormatError, match="'seed'"):
        VerifyReport.from_dict(content)
    with pytest.raises(FileFormatError, match="cannot be read"):
        VerifyReport.from_dict({**report().to_dict(), "comparisons": [{}]})
