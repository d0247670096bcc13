from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurosim.datasets import (
    SignalPropagation,
    load_atlas_wiring,
    load_signal_propagation,
    signal_propagation,
    write_signal_propagation,
)
from neurosim.errors import CircuitError, FileFormatError

h5py = pytest.importorskip("h5py")
needs_atlas = pytest.mark.skipif(
    importlib.util.find_spec("wormneuroatlas") is None,
    reason="the atlas is not installed (pip install --no-deps wormneuroatlas)",
)


@pytest.fixture
def sample() -> SignalPropagation:
    return load_signal_propagation(sample=True)


def test_what_is_written_comes_back(sample: SignalPropagation, tmp_path: Path) -> None:
    write_signal_propagation(tmp_path / "a.h5", sample, load_signal_propagation("unc31", sample=True))
    for strain in ("wt", "unc31"):
        read = load_signal_propagation(strain, path=tmp_path / "a.h5")
        assert read.strain == strain
        assert read.names == sample.names
        for name in ("amplitude", "q", "q_no_response", "observations", "singles", "offsets"):
            assert np.array_equal(getattr(read, name), getattr(sample, name), equal_nan=True)
    assert "GPL-3" in read.licence
    assert "Randi" in read.citation
    assert "nothing was measured" in sample.citation


def test_what_stands_first_acts_on_what_stands_second(sample: SignalPropagation, tmp_path: Path) -> None:
    write_signal_propagation(tmp_path / "a.h5", sample)
    with h5py.File(tmp_path / "a.h5") as file:  # there, [i, j] is the answer of i to j
        names = [name.decode() for name in file["neuron_ids"]]
        i, j = names.index("AVAL"), names.index("ASHL")
        answer, singles = file["wt/dFF"][i, j], file["wt/dFF_all"][i, j]
    assert sample.amplitude[sample.place("ASHL"), sample.place("AVAL")] == answer
    assert sample.responses("ASHL", "AVAL").tolist() == singles.tolist()
    assert sample.responses("ASHL", "AVAL").mean() == pytest.approx(answer)


def test_pairs_as_a_table(sample: SignalPropagation) -> None:
    table = sample.table(0.5)
    assert (np.diff(table["q"]) >= 0).all()
    assert (table["stimulated"] != table["responding"]).all()
    assert len(sample.table(0.5, itself=True)) == int((sample.q < 0.5).sum()) > len(table) > 0
    first = table.iloc[0]
    pair = sample.place(first["stimulated"]), sample.place(first["responding"])
    assert (sample.q[pair], sample.amplitude[pair]) == (first["q"], first["amplitude"])
    assert np.isnan(sample.q).any(), "the sample has pairs that were not observed"


def test_unknown_names(sample: SignalPropagation) -> None:
    with pytest.raises(CircuitError, match="Did you mean 'SMDVL'"):
        sample.responses("SMDV", "ASHL")
    with pytest.raises(CircuitError, match="Did you mean 'unc31'"):
        load_signal_propagation("unc-31")  # type: ignore[arg-type]


def test_files_that_are_no_atlas(sample: SignalPropagation, tmp_path: Path) -> None:
    write_signal_propagation(tmp_path / "a.h5", sample)
    with pytest.raises(FileFormatError, match="is no file of the atlas"):
        load_signal_propagation("unc31", path=tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        del file["wt/q"]
        file["wt/q"] = np.zeros((6, 5))
    with pytest.raises(FileFormatError, match=r"q has shape \(6, 5\); 6 neurons need a square"):
        load_signal_propagation(path=tmp_path / "a.h5")
    (tmp_path / "a.h5").write_text("no", encoding="utf-8")
    with pytest.raises(FileFormatError, match="cannot be read as HDF5"):
        load_signal_propagation(path=tmp_path / "a.h5")


def test_without_the_package_the_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal_propagation.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileFormatError, match=r"GPL-3.*pip install --no-deps wormneuroatlas") as caught:
        load_signal_propagation()
    assert "Randi" in str(caught.value)


def test_wiring_is_turned_too(sample: SignalPropagation, tmp_path: Path) -> None:
    write_signal_propagation(tmp_path / "a.h5", replace(sample))
    chemical = np.zeros((6, 6))
    chemical[sample.place("AVAL"), sample.place("ASHL")] = 26  # there, onto AVAL from ASHL
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["chem"], file["gap"] = chemical, np.eye(6)
    wiring = load_atlas_wiring(path=tmp_path / "w.h5", atlas=tmp_path / "a.h5")
    assert wiring.chemical[wiring.names.index("ASHL"), wiring.names.index("AVAL")] == 26
    assert wiring.chemical.sum() == 26
    with pytest.raises(FileFormatError, match="no file of the atlas"):
        load_atlas_wiring(path=tmp_path / "a.h5", atlas=tmp_path / "a.h5")


@needs_atlas
@pytest.mark.parametrize(
    ("strain", "observed", "observations", "measured", "singles", "apart", "connected"),
    [("wt", 25345, 130682, 24074, 109271, 23902, 1151), ("unc31", 10588, 20849, 9228, 16713, 9119, 357)],
)
def test_the_atlas(
    strain: str, observed: int, observations: int, measured: int, singles: int, apart: int, connected: int
) -> None:
    atlas = load_signal_propagation(strain)  # type: ignore[arg-type]
    others = ~np.eye(300, dtype=bool)
    assert (atlas.observations > 0).sum() == observed
    assert atlas.observations.sum() == observations
    assert np.isfinite(atlas.amplitude).sum() == measured
    assert atlas.singles.size == singles
    assert np.isfinite(atlas.q[others]).sum() == apart
    assert len(atlas.table(0.05)) == connected
    if strain == "wt":
        assert (atlas.observations > 0).any(axis=1).sum() == 173, "stimulated"
        assert (atlas.observations > 0).any(axis=0).sum() == 208, "responding"


@needs_atlas
def test_the_atlas_against_its_wiring() -> None:
    atlas, wiring = load_signal_propagation(), load_atlas_wiring()
    assert wiring.names == atlas.names
    assert wiring.chemical[atlas.place("ASHL"), atlas.place("AVAL")] == 26
    assert wiring.chemical[atlas.place("AVAL"), atlas.place("ASHL")] == 0
    assert ((wiring.chemical > 0).sum(), wiring.chemical.sum()) == (4051, 27729)
    assert ((wiring.gap > 0).sum(), wiring.gap.sum()) == (1650, 5079)
    known = np.isfinite(atlas.q) & ~np.eye(300, dtype=bool)
    edge = wiring.chemical + wiring.gap > 0
    assert (known & edge).sum() == 2309
    assert (atlas.q[known & edge] < 0.05).mean() == pytest.approx(0.1126, abs=5e-5)
    assert (atlas.q[known & ~edge] < 0.05).mean() == pytest.approx(0.0413, abs=5e-5)
