from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim.datasets import (
    ConsensusConnectome,
    read_consensus_connectome,
    read_worm_graph,
    write_consensus_connectome,
)
from neurosim.errors import FileFormatError

torch = pytest.importorskip("torch")
NAN = np.nan


def consensus(functional: bool = True) -> ConsensusConnectome:
    return ConsensusConnectome(
        ("ASHL", "AVAL", "I1L"),
        ("sensory", "inter", "pharynx"),
        np.array([[0.1, 0.0, -1.5], [0.2, 0.5, 1.0], [0.0, 0.0, 0.0]]),
        gap=np.array([[NAN, 2.0, NAN], [2.0, NAN, 0.0], [NAN, 0.0, NAN]]),
        chemical=np.array([[NAN, 26.0, 0.0], [NAN, NAN, 1.5], [10.0, NAN, NAN]]),
        uncertainty=np.array([[NAN, 0.4, NAN], [NAN, NAN, 0.1], [NAN, NAN, NAN]]),
        functional=np.array([[NAN, 0.3, NAN], [NAN] * 3, [NAN] * 3]) if functional else None,
        sources=("cook2019", "white1986_whole"),
    )


@pytest.mark.parametrize("functional", [True, False])
def test_what_is_written_comes_back(functional: bool, tmp_path: Path) -> None:
    before = consensus(functional)
    write_consensus_connectome(tmp_path / "full.csv", before)
    read = read_consensus_connectome(tmp_path / "full.csv")
    for name in ("names", "types", "sources", "notes"):
        assert getattr(read, name) == getattr(before, name)
    for name in ("positions", "gap", "chemical", "uncertainty"):
        assert np.array_equal(getattr(read, name), getattr(before, name), equal_nan=True)
    if before.functional is None:
        assert read.functional is None
    else:
        assert read.functional is not None
        assert np.array_equal(read.functional, before.functional, equal_nan=True)
    assert "arXiv:2411.12091" in read.citation
    assert read.licence.startswith("MIT")


def test_what_is_missing_is_no_zero() -> None:
    pre, post, weight = consensus().edges("chemical")
    assert (pre.tolist(), post.tolist(), weight.tolist()) == ([0, 1, 2], [1, 2, 0], [26.0, 1.5, 10.0])
    assert np.isnan(consensus().chemical[1, 0])
    assert consensus().chemical[0, 2] == 0
    assert consensus().edges("gap")[2].tolist() == [2.0, 2.0]
    assert consensus().edges("functional")[2].tolist() == [0.3]
    with pytest.raises(FileFormatError, match="no weights 'functional'"):
        consensus(False).edges("functional")


def test_gap_junctions_are_the_same_both_ways(tmp_path: Path) -> None:
    uneven = consensus().gap.copy()
    uneven[0, 1], uneven[2, 1] = 3.0, NAN
    write_consensus_connectome(tmp_path / "full.csv", replace(consensus(), gap=uneven))
    read = read_consensus_connectome(tmp_path / "full.csv")
    assert np.array_equal(read.gap, read.gap.T, equal_nan=True)
    assert (read.gap[1, 0], read.gap[2, 1]) == (3.0, 0.0)
    assert read.notes[0].startswith("2 gap junctions have a smaller weight, or none")


def test_a_trimmed_file_lacks_rows(tmp_path: Path) -> None:
    write_consensus_connectome(tmp_path / "full.csv", consensus())
    lines = (tmp_path / "full.csv").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if ",,,," not in line]
    assert len(kept) < len(lines)
    (tmp_path / "trimmed.csv").write_text("\n".join(kept), encoding="utf-8")
    read = read_consensus_connectome(tmp_path / "trimmed.csv")
    assert np.array_equal(read.chemical, consensus().chemical, equal_nan=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("to_pos", "where"), "columns missing: to_pos"),
        (lambda text: text.replace("26.0", "many"), "line 3: 'many' is no number"),
        (lambda text: text + text.splitlines()[1] + "\n", "line 11: ASHL to ASHL is there twice"),
        (lambda text: text.replace("(0.1, 0.0, -1.5)", "(0.1, 0.0)"), "no position of three numbers"),
        (lambda text: text.splitlines()[0], "has no rows"),
    ],
)
def test_tables_that_do_not_fit_are_refused(change: Any, message: str, tmp_path: Path) -> None:
    write_consensus_connectome(tmp_path / "a.csv", consensus())
    path = tmp_path / "a.csv"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(FileFormatError, match=message):
        read_consensus_connectome(path)


def tensors(**changes: Any) -> dict[str, Any]:
    """Return a complete graph of three cells, two edges of which exist, as the collection has it."""
    n = 3
    ends = torch.tensor([[i, j] for i in range(n) for j in range(n)]).T
    weights = torch.zeros(n * n, 2)
    weights[2 * n + 1] = torch.tensor([0.0, 10.0])  # I1L to I2L
    weights[1 * n + 2] = torch.tensor([0.0, 2.0])
    weights[0 * n + 1] = torch.tensor([4.0, 0.0])
    held = {
        "edge_index": ends,
        "edge_attr": weights,
        "pos": torch.arange(9.0).reshape(3, 3),
        "x": torch.zeros(3, 4),
        "node_label": {0: "ASHL", 1: "I2L", 2: "I1L"},
        "node_type": {0: "sensory", 1: "pharynx", 2: "pharynx"},
        "num_classes": 2,
    }
    return {name: value for name, value in (held | changes).items() if value is not None}


@pytest.mark.parametrize("labels", [{0: "ASHL", 1: "I2L", 2: "I1L"}, {"ASHL": 0, "I1L": 2, "I2L": 1}])
def test_only_edges_that_exist_are_kept(labels: Any, tmp_path: Path) -> None:
    torch.save(tensors(node_label=labels), tmp_path / "graph_tensors_cook2019.pt")
    graph = read_worm_graph(tmp_path / "graph_tensors_cook2019.pt")
    assert graph.names == ("ASHL", "I2L", "I1L")
    edges = {
        (graph.names[pre], graph.names[post]): (gap, chemical)
        for pre, post, gap, chemical in zip(graph.pre, graph.post, graph.gap, graph.chemical, strict=True)
    }
    assert edges == {("ASHL", "I2L"): (4.0, 0.0), ("I2L", "I1L"): (0.0, 2.0), ("I1L", "I2L"): (0.0, 10.0)}
    assert graph.types["I1L"] == "pharynx"
    assert graph.positions[1].tolist() == [3, 4, 5]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"edge_attr": None}, "holds no edge_attr"),
        ({"edge_attr": torch.zeros(8, 2)}, "do not fit each other"),
        ({"edge_index": torch.full((2, 9), 7)}, "ends outside the 3 cells"),
        ({"node_label": {0: "A", 1: "B", 5: "C"}}, "places 0, 1, 2"),
        ({"node_label": ["A", "B", "C"]}, "must be a dictionary"),
    ],
)
def test_graphs_that_do_not_fit_are_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    torch.save(tensors(**changes), tmp_path / "a.pt")
    with pytest.raises(FileFormatError, match=message):
        read_worm_graph(tmp_path / "a.pt")


def test_code_in_a_graph_is_not_run(tmp_path: Path) -> None:
    torch.save(tensors(node_class=Path("x")), tmp_path / "a.pt")
    with pytest.raises(FileFormatError, match="cannot be read as tensors"):
        read_worm_graph(tmp_path / "a.pt")
    (tmp_path / "a.pt").write_bytes(b"no tensors")
    with pytest.raises(FileFormatError, match="cannot be read as tensors"):
        read_worm_graph(tmp_path / "a.pt")
    with pytest.raises(FileFormatError, match="cannot be read as tensors"):
        read_worm_graph(tmp_path / "none.pt")
