"""The test part of a data set is read once in a study: choosing by it what is reported makes the report too good.

Most published accuracies on the Heidelberg digits are of the epoch that was best on the test set, about a percent above
what one reading at the end gives.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from neurosim.errors import CircuitError, FileFormatError

#: Of a study's folder: a line for each reading.
NOTES = "test_reads.jsonl"


def check_test_read(name: str, study: str | Path | None, *, again: bool = False) -> int:
    """Return how many times a study has read a test set, and refuse a second time.

    Parameters
    ----------
    name
        Of the data set.
    study
        Folder of the study, where ``test_reads.jsonl`` has a line for each reading.
    again
        Let it be read although it was.

    Raises
    ------
    CircuitError
        If no study is given, or it has read this set.
    FileFormatError
        If the notes cannot be read.
    """
    if study is None:
        raise CircuitError(
            f"{name}: the test set is read once in a study. Choose by the validation set; then give study=FOLDER, "
            "where the reading is noted."
        )
    notes = Path(study) / NOTES
    before = [line for line in _lines(notes) if line["set"] == name]
    if before and not again:
        raise CircuitError(
            f"{name}: the test set was read in this study on {before[-1]['when']} ({notes}). What is chosen by reading "
            "it again is no longer a test; again=True reads it all the same, and notes it."
        )
    return len(before)


def note_test_read(name: str, study: str | Path, *, again: bool = False) -> int:
    """Note in a study that a test set is read; arguments and errors as of :func:`check_test_read`.

    Returns
    -------
    int
        How many times it has been read in this study, with this one.
    """
    count = check_test_read(name, study, again=again) + 1
    notes = Path(study) / NOTES
    notes.parent.mkdir(parents=True, exist_ok=True)
    line = {"set": name, "when": datetime.now(UTC).isoformat(timespec="seconds"), "reading": count}
    with notes.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    return count


def _lines(notes: Path) -> list[dict[str, str]]:
    if not notes.exists():
        return []
    try:
        lines = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines() if line.strip()]
    except json.JSONDecodeError:
        raise FileFormatError(f"{notes}: a line is no JSON; nothing else should write there.") from None
    if not all(isinstance(line, dict) and {"set", "when"} <= line.keys() for line in lines):
        raise FileFormatError(f"{notes}: a line lacks 'set' or 'when'; nothing else should write there.")
    return lines
