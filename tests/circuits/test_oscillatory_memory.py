from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.circuits.oscillatory_memory.circuit import build
from neurosim.circuits.oscillatory_memory.experiment import figure, goes_on, recalled, reproduce, right, run
from neurosim.circuits.oscillatory_memory.protocol import PROTOCOLS, drive
from neurosim.errors import CircuitError
from neurosim.units import ms, nA


def test_fragments_bring_up_their_patterns() -> None:
    """By torch in float32; docs/command_line.md does it by Brian2."""
    found = reproduce(quick=True, backend="snntorch", options={"dtype": "float32"})
    assert found.ok, found.rows
    assert [row.reported for row in found.rows] == [2, 2, 3, 3]
    assert found.skipped[0].needs.endswith("here 0 of 2 come alone, the other comes up with them")


def test_three_patterns_in_turn() -> None:
    item = PROTOCOLS["three"]
    spikes = run(item)
    assert recalled(item, spikes) == [set(range(5)), set(range(10, 15)), set(range(5, 10))]
    assert not spikes[36:44].any(), "quiet after learning"
    assert np.flatnonzero(spikes[50]).tolist() == [1, 2, 3, 4]
    assert np.flatnonzero(spikes[51]).tolist() == [0]


def test_a_shared_cell_brings_up_both() -> None:
    item = PROTOCOLS["overlapping"]
    assert recalled(item, run(item)) == 2 * [{*range(5), 7, *range(10, 15)}]


@pytest.mark.parametrize(
    "changes",
    [{"a_plus": 72 * nA, "a_minus": 36 * nA}, {"tau_ref": 0 * ms}, {"a_plus": 1 * nA}],
    ids=["amplitude times w_max", "no refractory step", "too little is learned"],
)
def test_controls(changes: dict[str, Any]) -> None:
    item = PROTOCOLS["three"]
    spikes = run(item, **changes)
    assert right(item, spikes) < 3 or goes_on(item, spikes) < 3


def test_backends_agree_to_the_last_bit() -> None:
    report = ns.verify(build(programme="three"), 85 * ms)
    assert report.identical, str(report)
    assert report.spikes["brian2"] > 200


def test_what_does_not_fit() -> None:
    for arguments, message in (
        ({"n": 1}, "two cells"),
        ({"programme": "tree"}, "Did you mean 'three'"),
        ({"n": 5, "programme": ((0, (5,)),)}, "no cell 5"),
    ):
        with pytest.raises(CircuitError, match=message):
            build(**arguments)
    with pytest.raises(CircuitError, match="does not fit"):
        drive(((0, (0,)),), 1, 4)
    assert build(n=4).injections["programme"].signal is None


def test_figure(tmp_path: Any) -> None:
    pytest.importorskip("matplotlib")
    figure({name: np.eye(85, 15, dtype=bool) for name in PROTOCOLS}).savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5000
