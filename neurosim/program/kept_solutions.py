"""What computer algebra found, kept on disk for the next process: it takes up to seconds, and always finds the same.

A file holds the question in full beside the answer, so that a file which is broken, or which answers something else, is
never believed. The folder is ``solutions`` in :func:`~neurosim.cache_folder.cache_folder`; where it cannot be written,
nothing is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from neurosim.cache_folder import cache_folder

SOLUTIONS = "solutions"


def kept_solution(question: str) -> str | None:
    """Return the answer that was kept for a question, or None."""
    try:
        content = json.loads(_file(question).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("question") != question:
        return None
    answer = content.get("answer")
    return answer if isinstance(answer, str) else None


def keep_solution(question: str, answer: str) -> None:
    """Keep the answer to a question, where the folder can be written."""
    path = _file(question)
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps({"question": question, "answer": answer}, indent=1), encoding="utf-8")
        os.replace(part, path)  # whoever reads it at the same time sees all of it or nothing
    except OSError:
        with suppress(OSError):
            part.unlink()


def _file(question: str) -> Path:
    digest = hashlib.sha256(question.encode()).hexdigest()[:24]
    return cache_folder() / SOLUTIONS / f"{digest}.json"
