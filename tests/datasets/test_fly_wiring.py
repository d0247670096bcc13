from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim.datasets import FlyWiring, fly_wiring, load_fly_wiring, write_fly_wiring
from neurosim.datasets.parquet_files import read_columns, write_columns
from neurosim.errors import CircuitError, FileFormatError

pytest.importorskip("pyarrow")


def small(**changes: Any) -> FlyWiring:
    held: dict[str, Any] = {
        "ids": np.array([900, 700, 800]),
        "pre": np.array([0, 0, 2], np.int32),
        "post": np.array([1, 2, 0], np.int32),
        "synapses": np.array([5, 161, -3], np.int32),
        "version": "783",
    }
    return FlyWiring(**(held | changes))


@pytest.mark.parametrize("version", ["783", "630"])
def test_what_is_written_comes_back(version: Any, tmp_path: Path) -> None:
    write_fly_wiring(tmp_path, small(), version)
    read = load_fly_wiring(version, folder=tmp_path)
    for name in ("ids", "pre", "post", "synapses"):
        assert np.array_equal(getattr(read, name), getattr(small(), name))
        assert getattr(read, name).dtype == (np.int64 if name == "ids" else np.int32)
    assert (read.n, len(read), read.version) == (3, 3, version)
    assert repr(read) == f"FlyWiring({version}: 3 neurons, 3 edges, 169 synapses)"
    assert "CC BY 4.0" in read.licence
    assert "Nature 634" in read.citation
    assert "of the published files" in read.notes[0]


def test_neurons_are_found_by_their_number() -> None:
    assert small().places([800, 900]).tolist() == [2, 0]
    assert small().places(700).tolist() == [1]
    with pytest.raises(CircuitError, match=r"no neuron 750 \(1 of 2 are missing\)"):
        small().places([700, 750])
    edges = small().edges()
    assert (edges.pre.tolist(), edges.post.tolist()) == ([0, 0, 2], [1, 2, 0])


def test_the_columns_are_those_of_the_published_file(tmp_path: Path) -> None:
    write_fly_wiring(tmp_path, small())
    table = read_columns(tmp_path / "Connectivity_783.parquet", list(fly_wiring._COLUMNS))
    assert table["Presynaptic_ID"].tolist() == [900, 900, 800]
    assert table["Excitatory"].tolist() == [1, 1, -1]
    assert table["Connectivity"].tolist() == [5, 161, 3]
    assert table["Excitatory x Connectivity"].tolist() == [5, 161, -3]
    assert (tmp_path / "Completeness_783.csv").read_text(encoding="utf-8").splitlines()[:2] == [
        ",Completed",
        "900,True",
    ]


def test_a_neuron_that_does_both_is_noted(tmp_path: Path) -> None:
    write_fly_wiring(tmp_path, small(synapses=np.array([5, -2, 3], np.int32)))
    assert "1 neurons both excite and inhibit." in load_fly_wiring(folder=tmp_path).notes


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError) as caught:
        load_fly_wiring("630", folder=tmp_path)
    for part in ("2023_03_23_connectivity_630_final.parquet", "curl -L -o", "CC BY 4.0", "Nature 634", "sample=True"):
        assert part in str(caught.value)
    with pytest.raises(CircuitError, match="Known: 630, 783"):
        load_fly_wiring("782")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("Presynaptic_Index", [0, 0, 3], "presynaptic index lies outside the 3 neurons"),
        ("Postsynaptic_Index", [-1, 2, 0], "postsynaptic index lies outside"),
        ("Postsynaptic_ID", [900, 800, 900], "are both of one version"),
        ("Connectivity", [5, 160, 3], "signed and unsigned numbers of synapses differ"),
    ],
)
def test_tables_that_do_not_fit_are_refused(column: str, values: list[int], message: str, tmp_path: Path) -> None:
    write_fly_wiring(tmp_path, small())
    path = tmp_path / "Connectivity_783.parquet"
    table = read_columns(path, list(fly_wiring._COLUMNS)) | {column: np.array(values)}
    write_columns(path, {name: (held, "int64") for name, held in table.items()})
    with pytest.raises(FileFormatError, match=message):
        load_fly_wiring(folder=tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (",Completed\n900,True\nmany,True\n", "needs a number of FlyWire"),
        (",Completed\n900,True\n900,True\n", "each neuron once"),
        (",Done\n900,True\n", "needs a column 'Completed'"),
    ],
)
def test_lists_of_neurons_that_are_none(text: str, message: str, tmp_path: Path) -> None:
    write_fly_wiring(tmp_path, small())
    (tmp_path / "Completeness_783.csv").write_text(text, encoding="utf-8")
    with pytest.raises(FileFormatError, match=message):
        load_fly_wiring(folder=tmp_path)


def test_the_sample_is_drawn() -> None:
    sample, again = load_fly_wiring(sample=True), load_fly_wiring(sample=True)
    assert np.array_equal(sample.synapses, again.synapses)
    assert (sample.n, len(sample), sample.version) == (300, 3000, "drawn")
    assert "nothing was measured" in sample.citation
    sign = np.sign(sample.synapses)
    assert all(np.unique(sign[sample.pre == neuron]).size <= 1 for neuron in range(300)), "one sign a neuron"
    assert np.median(np.abs(sample.synapses)) <= 2 < 50 < np.abs(sample.synapses).max(), "heavy tails"
