"""The connectome loader: the published counts, orientation, signs, and files that are not what they should be."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from neurosim.datasets import ChemicalSynapses, Connectome, GapJunctions, load_connectome
from neurosim.datasets.connectome import is_neuron, sign_of
from neurosim.datasets.connectome_types import UnknownSign
from neurosim.errors import CircuitError, FileFormatError

CECT = importlib.util.find_spec("cect")
needs_cect = pytest.mark.skipif(CECT is None, reason="the cect tables are not installed (pip install --no-deps cect)")
EDGE_LIST = (
    Path(os.environ.get("NEUROSIM_REFERENCE_DATA", "")) / "celegans_connectome" / "cook2019_herm_full_edgelist.csv"
)
needs_edge_list = pytest.mark.skipif(
    not EDGE_LIST.is_file(), reason="NEUROSIM_REFERENCE_DATA names no folder with celegans_connectome/"
)

# Five cells: three neurons (one zero-padded), one muscle, one glia cell. Dimensions (pre, post).
NODES = ["VA02", "AVAL", "MDL01", "AVAR", "CEPshDL"]
CHEMICAL = [[0, 0, 7, 0, 0], [5, 1, 0, 2, 0], [0, 0, 0, 0, 0], [0, 3, 0, 0, 4], [0, 0, 0, 0, 0]]
GAP = [[2, 6, 0, 0, 0], [6, 0, 0, 8, 0], [0, 0, 0, 0, 0], [0, 8, 0, 0, 0], [0, 0, 0, 0, 0]]
EDGES = """Source,Target,Weight,Type
VA02 , MDL01      ,7,chemical
AVAL , VA02       ,5,chemical
AVAL , AVAL       ,1,chemical
AVAL , AVAR       ,2,chemical
AVAR , AVAL       ,3,chemical
AVAR , CEPshDL    ,4,chemical
VA02 , VA02       ,2,electrical
VA02 , AVAL       ,6,electrical
AVAL , VA02       ,6,electrical
AVAL , AVAR       ,8,electrical
AVAR , AVAL       ,8,electrical
"""
RELEASED = {"Acetylcholine": ["AVAL"], "GABA": ["AVAR"], "Glutamate": ["AVAL", "VA02"]}


def write_json(path: Path, nodes: object, connections: object) -> Path:
    path.write_text(json.dumps({"nodes": nodes, "connections": connections}))
    return path


@pytest.fixture
def matrices(tmp_path: Path) -> Path:
    return write_json(tmp_path / "wiring.json", NODES, {"Generic_CS": CHEMICAL, "Generic_GJ": GAP})


@pytest.fixture
def edge_list(tmp_path: Path) -> Path:
    path = tmp_path / "edges.csv"
    path.write_text(EDGES)
    return path


@pytest.fixture
def transmitters(tmp_path: Path) -> Path:
    tables = {kind: [[int(name in cells)] * len(NODES) for name in NODES] for kind, cells in RELEASED.items()}
    return write_json(tmp_path / "transmitters.json", NODES, tables)


@pytest.fixture(scope="module")
def worm() -> Connectome:
    if CECT is None:
        pytest.skip("the cect tables are not installed (pip install --no-deps cect)")
    return load_connectome()


# --- the real worm ---


def test_counts_equal_the_published_matrices(worm: Connectome) -> None:
    assert len(worm.names) == 302
    assert (len(worm.chemical), worm.chemical.weight.sum()) == (3709, 20965)
    pre, post, weight = worm.gap.ordered()
    assert (len(pre), weight.sum()) == (2196, 11523)
    assert (len(worm.gap), worm.gap.weight.sum()) == (1105, 5779)
    assert (np.sum(worm.chemical.pre == worm.chemical.post), np.sum(pre == post)) == (38, 14)


def test_rows_are_presynaptic(worm: Connectome) -> None:
    matrix = worm.to_matrix("chemical")
    first, second = worm.index("I1L"), worm.index("I2L")
    assert (matrix[first, second], matrix[second, first]) == (10, 2)
    assert matrix[worm.index("ASHL"), worm.index("AVAL")] > 0
    assert matrix[worm.index("AVAL"), worm.index("ASHL")] == 0


def test_all_cells(worm: Connectome) -> None:
    everything = load_connectome(cells="all")
    assert (len(everything.names), len(everything.chemical)) == (473, 4879)
    assert everything.chemical.weight.sum() == 28113
    assert (len(everything.gap.ordered()[0]), everything.gap.ordered()[2].sum()) == (2883, 23313)
    assert everything.restrict(worm.names) == worm


def test_neuron_rule_agrees_with_the_listed_cell_types() -> None:
    if CECT is None or not CECT.submodule_search_locations:
        pytest.skip("the cect tables are not installed (pip install --no-deps cect)")
    with (Path(CECT.submodule_search_locations[0]) / "data" / "all_cell_info.csv").open(newline="") as file:
        types = {row["Cell name"].strip(): row["Type"].lower() for row in csv.DictReader(file)}
    wrong = re.compile("muscle|gland|epitheli|marginal|sheath|glr|hypodermis|intestine|excretory|mesodermal|basement")
    for name in load_connectome(cells="all").names:
        assert is_neuron(name) != bool(wrong.search(types[name])), (name, types[name])


def test_signs_follow_the_transmitter_atlas(worm: Connectome) -> None:
    chemical = worm.chemical
    assert (np.sum(chemical.sign == 1), np.sum(chemical.sign == -1)) == (3495, 214)
    assert chemical.weight[chemical.sign == -1].sum() == 956
    gaba = {worm.names[i] for i in np.unique(chemical.pre[chemical.sign == -1])}
    assert {"DD1", "VD13", "RMED", "AVL", "RIS"} <= gaba
    assert worm.transmitters[worm.index("SMDDL")] == ("acetylcholine", "gaba")
    assert worm.transmitters[worm.index("AVAL")] == ("acetylcholine",)
    assert worm.transmitters[worm.index("CANL")] == ()
    assert len(load_connectome(unknown_sign="drop").chemical) == 2046
    assert np.sum(load_connectome(unknown_sign="negative").chemical.sign == 1) == 1832
    assert "glutamate                               70   994   7300  unknown, taken as +" in worm.summary()


def test_cect_is_never_imported(worm: Connectome) -> None:
    assert "cect" not in sys.modules


@needs_cect
@needs_edge_list
def test_edge_list_differs_from_the_matrices_as_documented(worm: Connectome) -> None:
    edges = load_connectome(path=EDGE_LIST)
    assert set(worm.names) - set(edges.names) == {"CANL", "CANR"}
    assert (len(edges.chemical), edges.chemical.weight.sum()) == (3638, 20589)
    same_cells = worm.restrict(edges.names)
    first, second = edges.to_matrix("chemical"), same_cells.to_matrix("chemical")
    assert np.sum((first > 0) & (second > 0)) == 3516
    assert np.sum((first > 0) & (second > 0) & (first != second)) == 21
    assert edges.notes == ("17 gap junctions have another weight in each direction; the larger is taken.",)
    gap, corrected = edges.to_matrix("gap"), same_cells.to_matrix("gap")
    assert np.array_equal(gap, gap.T)
    shared = (gap > 0) & (corrected > 0)
    differing = {edges.names[i] for i, _ in np.argwhere(shared & (gap != corrected))}
    assert differing == {"AVBL", "AVBR"}


# --- both file forms ---


def test_both_forms_give_the_same_connectome(matrices: Path, edge_list: Path, transmitters: Path) -> None:
    for cells in ("neurons", "all"):
        first = load_connectome(path=matrices, transmitters=transmitters, cells=cells)
        assert first == load_connectome(path=edge_list, transmitters=transmitters, cells=cells)
        assert len(first.names) == {"neurons": 3, "all": 5}[cells]


def test_edges_names_and_signs(matrices: Path, transmitters: Path) -> None:
    connectome = load_connectome(path=str(matrices), transmitters=str(transmitters), unknown_sign="negative")
    assert connectome.names == ("AVAL", "AVAR", "VA2")
    assert connectome.transmitters == (("acetylcholine", "glutamate"), ("gaba",), ("glutamate",))
    chemical = connectome.chemical
    edges = list(zip(chemical.pre, chemical.post, chemical.weight, chemical.sign, strict=True))
    assert edges == [(0, 0, 1, 1), (0, 1, 2, 1), (0, 2, 5, 1), (1, 0, 3, -1)]
    gap = connectome.gap
    assert list(zip(gap.a, gap.b, gap.weight, strict=True)) == [(0, 1, 8), (0, 2, 6), (2, 2, 2)]
    assert [list(part) for part in gap.ordered()] == [[0, 0, 1, 2, 2], [1, 2, 0, 0, 2], [8, 6, 8, 6, 2]]
    assert np.array_equal(connectome.to_matrix("signed"), [[1, 2, 5], [-3, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize(("option", "sign"), [("positive", [1]), ("negative", [-1]), ("drop", [])])
def test_unknown_sign(matrices: Path, transmitters: Path, option: UnknownSign, sign: list[int]) -> None:
    connectome = load_connectome(path=matrices, transmitters=transmitters, cells="all", unknown_sign=option)
    from_glutamate = connectome.chemical.pre == connectome.index("VA2")
    assert list(connectome.chemical.sign[from_glutamate]) == sign
    assert np.sum(~from_glutamate) == 5


def test_without_transmitters_every_sign_is_a_guess_and_said_so(edge_list: Path) -> None:
    connectome = load_connectome(path=edge_list, transmitters="unknown")
    assert set(connectome.chemical.sign) == {1}
    assert "every sign is a guess" in connectome.summary()


@pytest.mark.parametrize(
    ("used", "sign"),
    [(["acetylcholine", "serotonin"], 1), (["gaba"], -1), (["acetylcholine", "gaba"], 0), (["glutamate"], 0), ([], 0)],
)
def test_sign_rule(used: list[str], sign: int) -> None:
    assert sign_of(used) == sign


def test_uneven_gap_junction_takes_the_larger_weight(tmp_path: Path) -> None:
    path = write_json(tmp_path / "w.json", ["A", "B"], {"Generic_CS": [[0, 0], [0, 0]], "Generic_GJ": [[0, 4], [9, 0]]})
    connectome = load_connectome(path=path, transmitters="unknown")
    assert list(connectome.gap.weight) == [9]
    assert "1 gap junctions have another weight" in connectome.notes[0]


def test_restrict_keeps_the_order_asked_for(matrices: Path, transmitters: Path) -> None:
    connectome = load_connectome(path=matrices, transmitters=transmitters)
    part = connectome.restrict(["VA2", "AVAL"])
    assert part.names == ("VA2", "AVAL")
    assert part.transmitters == (("glutamate",), ("acetylcholine", "glutamate"))
    assert np.array_equal(part.to_matrix("signed"), [[0, 0], [5, 1]])
    assert np.array_equal(part.to_matrix("gap"), [[2, 6], [6, 0]])
    assert connectome.restrict(connectome.names) == connectome
    with pytest.raises(CircuitError, match=r"no cell 'VAA2'.*Did you mean 'VA2'"):
        connectome.restrict(["VAA2"])
    with pytest.raises(CircuitError, match="more than once: AVAL"):
        connectome.restrict(["AVAL", "AVAR", "AVAL"])
    with pytest.raises(CircuitError, match="no matrix 'gaps'"):
        connectome.to_matrix("gaps")  # type: ignore[arg-type]


def test_equality_sees_every_part(matrices: Path, transmitters: Path) -> None:
    connectome = load_connectome(path=matrices, transmitters=transmitters)
    assert connectome == load_connectome(path=matrices, transmitters=transmitters)
    assert connectome != load_connectome(path=matrices, transmitters="unknown")
    assert connectome != connectome.restrict(connectome.names[::-1])
    assert connectome.chemical != connectome.gap
    assert connectome != "AVAL"
    with pytest.raises(ValueError, match="read-only"):
        connectome.chemical.weight[0] = 2
    assert "Whole-animal connectomes" in connectome.citation
    assert "MIT" in connectome.licence


def test_parts_must_fit_together() -> None:
    empty = ChemicalSynapses([], [], [], []), GapJunctions([], [], [])  # type: ignore[arg-type]
    with pytest.raises(CircuitError, match="equal length"):
        GapJunctions([0], [1, 2], [1])  # type: ignore[arg-type]
    with pytest.raises(CircuitError, match="names must differ"):
        Connectome(("A", "A"), *empty, ((), ()))
    with pytest.raises(CircuitError, match=r"gap\.b holds an index outside 0 \.\.\. 0"):
        Connectome(("A",), empty[0], GapJunctions([0], [1], [1]), ((),))  # type: ignore[arg-type]


# --- what is refused ---


def test_missing_package_names_licence_and_command(monkeypatch: pytest.MonkeyPatch, edge_list: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FileFormatError, match=r"cook2019-hermaphrodite.*MIT.*pip install --no-deps cect==0\.3\.5"):
        load_connectome()
    with pytest.raises(FileFormatError, match=r"Wang2024HermReader\.json.*transmitters=FILE or 'unknown'"):
        load_connectome(path=edge_list)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "cook2019-male"}, "source='cook2019-male' is not known. Did you mean 'cook2019-hermaphrodite'"),
        ({"cells": "muscles"}, "cells='muscles' is not known"),
        ({"unknown_sign": "+1"}, "unknown_sign='\\+1' is not known.*drop, negative, positive"),
    ],
)
def test_unknown_options(options: dict[str, str], message: str) -> None:
    with pytest.raises(CircuitError, match=message):
        load_connectome(**options)  # type: ignore[arg-type]


BAD_MATRICES = [
    ([1, 2], {}, "list of cell names"),
    (["A", "A"], {}, "more than once in 'nodes': A"),
    (["A"], [], "'connections' must be an object"),
    (["A"], {"Generic_CS": [[0]]}, "no matrix 'Generic_GJ'. Did you mean 'Generic_CS'"),
    (["A"], {"Generic_CS": [[0, 1]], "Generic_GJ": [[0]]}, r"'Generic_CS' has shape \(1, 2\); 1 nodes need \(1, 1\)"),
    (["A", "B"], {"Generic_CS": [[0, 1], [2]], "Generic_GJ": []}, "'Generic_CS' has uneven rows"),
    (["A"], {"Generic_CS": [["x"]], "Generic_GJ": [[0]]}, "what is no number"),
    (["A"], {"Generic_CS": [[0]], "Generic_GJ": [[-1]]}, "'Generic_GJ' holds -1.0 at row 0, column 0"),
    (["A"], {"Generic_CS": [[float("nan")]], "Generic_GJ": [[0]]}, "holds nan at row 0"),
]


@pytest.mark.parametrize(("nodes", "connections", "message"), BAD_MATRICES)
def test_bad_matrix_files(tmp_path: Path, nodes: object, connections: object, message: str) -> None:
    path = write_json(tmp_path / "wiring.json", nodes, connections)
    with pytest.raises(FileFormatError, match=message) as caught:
        load_connectome(path=path, transmitters="unknown")
    assert str(path) in str(caught.value)


def test_truncated_and_foreign_files(tmp_path: Path, matrices: Path, transmitters: Path) -> None:
    whole = matrices.read_text()
    matrices.write_text(whole[: len(whole) // 2])
    with pytest.raises(FileFormatError, match=r"not valid JSON at line 1, column \d+.*truncated"):
        load_connectome(path=matrices, transmitters="unknown")
    matrices.write_text('{"nodes": []}')
    with pytest.raises(FileFormatError, match="'nodes' and 'connections'"):
        load_connectome(path=matrices, transmitters="unknown")
    matrices.write_bytes(b"\xff\xfe")
    with pytest.raises(FileFormatError, match="is not text"):
        load_connectome(path=matrices, transmitters="unknown")
    with pytest.raises(FileFormatError, match=r"absent\.json: cannot be read \(No such file"):
        load_connectome(path=tmp_path / "absent.json", transmitters="unknown")
    with pytest.raises(FileFormatError, match=r"read from a \.csv edge list or a \.json"):
        load_connectome(path=tmp_path / "wiring.xlsx")
    matrices.write_text(whole)
    with pytest.raises(FileFormatError, match="no transmitter table"):
        load_connectome(path=matrices, transmitters=matrices)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Weight,Type", "Count,Kind", "columns missing: Weight, Type"),
        ("MDL01      ,7,", "MDL01      ,", "line 2: 3 columns instead of 4"),
        (",7,", ",seven,", "line 2: Weight 'seven' is not a positive number"),
        (",7,", ",-7,", "line 2: Weight '-7' is not a positive number"),
        (",7,", ",inf,", "line 2: Weight 'inf' is not a positive number"),
        (",5,chemical", ",5,peptide", "line 3: Type 'peptide' is neither"),
        ("AVAL , VA02       ,5", " , VA02       ,5", "line 3: a cell has no name"),
        ("AVAL , AVAR       ,2", "AVAL , VA2       ,2", "line 5: chemical edge AVAL to VA2 is already in line 3"),
    ],
)
def test_bad_edge_lists(edge_list: Path, old: str, new: str, message: str) -> None:
    edge_list.write_text(EDGES.replace(old, new))
    with pytest.raises(FileFormatError, match=message) as caught:
        load_connectome(path=edge_list, transmitters="unknown")
    assert str(edge_list) in str(caught.value)


def test_empty_edge_list(edge_list: Path) -> None:
    edge_list.write_text("")
    with pytest.raises(FileFormatError, match="columns missing: Source, Target, Weight, Type"):
        load_connectome(path=edge_list, transmitters="unknown")
