"""A circuit file that was cut off, edited or mixed up is refused, with the file and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from circuit.small import small, with_arrays
from neurosim.circuit import files
from neurosim.circuit.files import load, save, to_dict
from neurosim.errors import FileFormatError


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return save(with_arrays(), tmp_path / "c.json")


def refused(path: Path, match: str) -> None:
    with pytest.raises(FileFormatError, match=match) as caught:
        load(path)
    assert "c.json" in str(caught.value) or "c.npz" in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    refused(tmp_path / "c.json", r"there is no circuit file .*c\.json")


def test_missing_arrays(saved: Path) -> None:
    saved.with_suffix(".npz").unlink()
    refused(saved, r"c\.npz is missing: it holds 5 arrays of the circuit")


@pytest.mark.parametrize("part", [0, 1, 0.3, 0.9, -2])
def test_truncated_json(saved: Path, part: float) -> None:
    text = saved.read_bytes()
    saved.write_bytes(text[: int(len(text) * part) if 0 < part < 1 else int(part)])
    refused(saved, r"c\.json is cut off or damaged: .* in line \d+, column \d+")


@pytest.mark.parametrize("part", [0, 0.3, 0.9, 0.999])
def test_truncated_arrays(saved: Path, part: float) -> None:
    companion = saved.with_suffix(".npz")
    data = companion.read_bytes()
    companion.write_bytes(data[: int(len(data) * part)])
    refused(saved, r"c\.npz is cut off or damaged")


def test_every_changed_byte_of_the_arrays_is_noticed(saved: Path) -> None:
    companion = saved.with_suffix(".npz")
    data = companion.read_bytes()
    circuit = load(saved)
    for position in range(0, len(data), 97):
        companion.write_bytes(data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :])
        try:
            loaded = load(saved)
        except FileFormatError:
            continue
        assert loaded == circuit  # bytes of the zip file that mean nothing may change


def test_changed_arrays(saved: Path) -> None:
    companion = saved.with_suffix(".npz")
    with np.load(companion) as archive:
        arrays: dict[str, Any] = dict(archive)
    changed = {**arrays, "exc_to_inh.weight": arrays["exc_to_inh.weight"] + 1e-18}
    np.savez(companion, **changed)
    refused(saved, r"c\.npz was changed after it was written: the array 'exc_to_inh\.weight' differs")
    np.savez(companion, **{**arrays, "exc_to_inh.weight": arrays["exc_to_inh.weight"].astype(np.float32)})
    refused(saved, "'exc_to_inh.weight' differs")
    del changed["stimulus.signal"]
    np.savez(companion, **{name: arrays[name] for name in changed})
    refused(saved, r"c\.npz is cut off or damaged: the array 'stimulus\.signal' cannot be read")
    np.savez(companion, **{**arrays, "more": np.zeros(2)})
    refused(saved, r"c\.npz holds arrays that the circuit does not name: more")


def test_arrays_of_objects_are_never_unpickled(saved: Path) -> None:
    companion = saved.with_suffix(".npz")
    with np.load(companion) as archive:
        arrays: dict[str, Any] = dict(archive)
    np.savez(companion, **{**arrays, "exc_to_inh.weight": np.array([print], dtype=object)})
    refused(saved, r"the array 'exc_to_inh\.weight' cannot be read \(.*allow_pickle")


@pytest.mark.parametrize("data", [b"", b"not a zip file", b"\x93NUMPY"])
def test_what_is_no_npz(saved: Path, data: bytes) -> None:
    saved.with_suffix(".npz").write_bytes(data)
    refused(saved, r"c\.npz is cut off or damaged")


def test_a_plain_array_is_no_npz(saved: Path) -> None:
    with saved.with_suffix(".npz").open("wb") as file:
        np.save(file, np.zeros(3))
    refused(saved, r"c\.npz is cut off or damaged")


def edited(path: Path, change: Any) -> None:
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: data["circuit"].update(seed=6), id="seed"),
        pytest.param(lambda data: data["circuit"].update(dt=0.2), id="dt"),
        pytest.param(lambda data: data["circuit"].update(seed=5.0), id="seed as float"),
        pytest.param(lambda data: data["circuit"].update(extra=1), id="extra key"),
        pytest.param(lambda data: data["circuit"]["parts"].pop(), id="part left out"),
        pytest.param(lambda data: data["circuit"]["parts"].reverse(), id="order of the parts"),
        pytest.param(lambda data: data["circuit"]["parts"][0].update(shape=[11]), id="size"),
        pytest.param(lambda data: data["circuit"]["parts"][0]["model"].update(threshold="v > 0*mV"), id="threshold"),
        pytest.param(lambda data: data.update(digest="0" * 64), id="digest"),
        pytest.param(lambda data: data.pop("digest"), id="no digest"),
        pytest.param(lambda data: data["circuit"].clear(), id="nothing"),
    ],
)
def test_edited_json(saved: Path, change: Any) -> None:
    edited(saved, change)
    refused(saved, r"c\.json was changed after it was written: its content does not match its digest")


def test_layout_of_the_json_does_not_count(saved: Path) -> None:
    edited(saved, lambda data: data)
    assert load(saved) == with_arrays()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("[]", "holds list, not an object"),
        ("3", "holds int, not an object"),
        ("{}", "is no circuit file: its format is None"),
        ('{"format": "neurosim-recording"}', "its format is 'neurosim-recording', not 'neurosim-circuit'"),
        ('{"format": "neurosim-circuit"}', "is damaged: version, arrays or circuit is missing"),
        ('{"format": "neurosim-circuit", "version": 1, "arrays": [], "circuit": {}}', "is damaged"),
        ('{"format": "neurosim-circuit", "version": 0, "arrays": {}, "circuit": {}}', "is damaged"),
        (
            '{"format": "neurosim-circuit", "version": 2}',
            "newer neurosim: its schema version is 2, this one reads up to 1",
        ),
        ('{"format": NaN}', "NaN is no number in JSON"),
        ('{"format": Infinity}', "Infinity is no number in JSON"),
        ('{"format": {"$float": "one"}}', "cannot be read as a circuit file"),
        pytest.param("[" * 100_000, "cannot be read as a circuit file|cut off", id="deep"),
    ],
)
def test_what_is_no_circuit_file(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / "c.json").write_text(text)
    refused(tmp_path / "c.json", match)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_bytes(b"\xff\xfe{}")
    refused(tmp_path / "c.json", "cannot be read as a circuit file")


def test_a_folder_is_no_circuit_file(tmp_path: Path) -> None:
    (tmp_path / "c.json").mkdir()
    refused(tmp_path / "c.json", "cannot be read as a circuit file")


def test_an_edited_file_with_a_new_digest_is_checked_as_a_users_input_is(tmp_path: Path) -> None:
    arrays: dict[str, np.ndarray] = {}
    data = to_dict(small(), arrays)
    data["parts"][0]["model"]["threshold"] = "v.real > 0"
    path = tmp_path / "c.json"
    text = {
        "format": "neurosim-circuit",
        "version": 1,
        "arrays": {},
        "digest": files._digest(data, {}),
        "circuit": data,
    }
    path.write_text(json.dumps(text))
    refused(path, r"c\.json: population 'exc' cannot be read: .* attribute access")
