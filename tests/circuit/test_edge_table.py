"""Edges from tables of names: pairs, columns and data frames, and errors that name the names."""

from __future__ import annotations

import re

import numpy as np
import pytest

from neurosim.circuit.connectivity import Edges
from neurosim.errors import CircuitError

PRE = ["AVAL", "AVAR", "RIML"]
POST = ["DA1", "DA2"]
EXPECTED = Edges([2, 0, 0], [1, 0, 0])


class Frame:
    """As much of a pandas data frame as is used: ``columns`` and columns by name."""

    def __init__(self, **columns: list[str]) -> None:
        self._columns = {name: np.array(values, dtype=object) for name, values in columns.items()}
        self.columns = np.array(list(columns), dtype=object)

    def __getitem__(self, name: str) -> np.ndarray:
        return self._columns[name]


@pytest.mark.parametrize(
    "rows",
    [
        [("RIML", "DA2"), ("AVAL", "DA1"), ("AVAL", "DA1")],
        np.array([["RIML", "DA2"], ["AVAL", "DA1"], ["AVAL", "DA1"]]),
        {"pre": ["RIML", "AVAL", "AVAL"], "post": ["DA2", "DA1", "DA1"], "weight": [1, 2, 3]},
        Frame(post=["DA2", "DA1", "DA1"], pre=["RIML", "AVAL", "AVAL"]),
    ],
    ids=["pairs", "array", "columns", "frame"],
)
def test_every_form_of_table_gives_the_same_edges(rows: object) -> None:
    assert Edges.from_table(rows, PRE, POST) == EXPECTED


def test_a_real_data_frame_works() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"Source": ["RIML", "AVAL", "AVAL"], "Target": ["DA2", "DA1", "DA1"], "n": [1, 2, 3]})
    assert Edges.from_table(frame, PRE, POST, pre_column="Source", post_column="Target") == EXPECTED
    frame.loc[1, "Source"] = None
    with pytest.raises(CircuitError, match=r"unknown presynaptic names: '(None|nan)'"):
        Edges.from_table(frame, PRE, POST, pre_column="Source", post_column="Target")


def test_an_empty_table_has_no_edges() -> None:
    assert Edges.from_table([], PRE, POST) == Edges([], [])


def test_unknown_names_are_listed_with_their_nearest_matches() -> None:
    rows = [("AVALL", "DA1"), ("avar", "DA1"), ("AVALL", "DA2"), ("zzz", "DA1")]
    message = (
        "unknown presynaptic names: 'AVALL' (did you mean 'AVAL'?), 'avar', 'zzz'. The population has 3 named neurons."
    )
    with pytest.raises(CircuitError, match=re.escape(message)):
        Edges.from_table(rows, PRE, POST)
    with pytest.raises(
        CircuitError, match=r"unknown postsynaptic names: 'DA3' \(did you mean 'DA[12]'\?\)\. .* has 2 named"
    ):
        Edges.from_table([("AVAL", "DA3")], PRE, POST)
    with pytest.raises(CircuitError, match="'q09' and 2 more"):
        Edges.from_table([(f"q{i:02}", "DA1") for i in range(12)], PRE, POST)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("AVAL", "DA1"), ("AVAL", "DA1", 3)], r"row 1 is \('AVAL', 'DA1', 3\), not a pair"),
        (["ab"], "row 0 is 'ab', not a pair"),
        ([7], "row 0 is 7, not a pair"),
        ([{"pre": "AVAL", "post": "DA1"}], "row 0 is .*give pairs, a mapping of columns, or a data frame"),
        ({"pre": ["AVAL"], "pots": ["DA1"]}, "no column 'post'. Did you mean 'pots'"),
        ({"pre": ["AVAL"], "post": []}, "column 'pre' has 1 rows and 'post' has 0"),
        (Frame(source=["AVAL"], post=["DA1"]), "no column 'pre'.* Known: post, source"),
    ],
)
def test_tables_that_are_none_are_refused(rows: object, message: str) -> None:
    with pytest.raises(CircuitError, match=message):
        Edges.from_table(rows, PRE, POST)


def test_names_that_stand_for_two_neurons_are_refused() -> None:
    with pytest.raises(CircuitError, match="the postsynaptic name 'DA1' stands for more than one neuron"):
        Edges.from_table([("AVAL", "DA1")], PRE, ["DA1", "DA2", "DA1"])
