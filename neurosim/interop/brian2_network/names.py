"""Names of Brian2 as names of a circuit, and texts in which names are replaced."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from neurosim.circuit.language import CONSTANT_NAMES, FUNCTIONS, SPECIAL_NAMES, checked_name
from neurosim.errors import EquationError

# A letter after "1." belongs to the number 1.e-3.
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_WORDS = frozenset({"and", "or", "not"})
_TARGET = re.compile(r"([A-Za-z_]\w*)\s*(?:[-+*/%]|\*\*|//)?=(?!=)")


def identifiers(text: str) -> frozenset[str]:
    """Return every name in a text, functions and units among them, but not ``and``, ``or``, ``not``."""
    return frozenset(_NAME.findall(text)) - _WORDS


def assigned(code: str) -> frozenset[str]:
    """Return the names that statements assign to."""
    found = (_TARGET.match(line) for line in logical_lines(code))
    return frozenset(match[1] for match in found if match)


def logical_lines(code: str) -> list[str]:
    """Return the statements of a text: comments and empty lines left out, those between semicolons apart."""
    plain = (line.split("#", 1)[0] for line in code.splitlines())
    return [piece.strip() for line in plain for piece in line.split(";") if piece.strip()]


def substituted(text: str, names: Mapping[str, str]) -> str:
    """Return a text with names replaced."""
    return _NAME.sub(lambda match: names.get(match[0], match[0]), text)


def plain_code(code: str) -> str:
    """Return statements without comments, each in a line of its own."""
    return "\n".join(logical_lines(code))


def truths_written_out(text: str, truths: Mapping[str, str]) -> str:
    """Return a text in which boolean names are conditions: what defines them, or that their number is not 0.

    Parameters
    ----------
    text
        An expression or code.
    truths
        For each name the expression that defines it, empty for a parameter.
    """
    for _ in truths:  # one may be defined by another
        text = substituted(text, {name: f"({inner})" for name, inner in truths.items() if inner})
    return substituted(text, {name: f"({name} != 0)" for name, inner in truths.items() if not inner})


def part_name(given: str, taken: Collection[str]) -> str:
    """Return a name for a part of a circuit: single underscores inside only, a letter first, not yet taken."""
    cleaned = re.sub(r"_+", "_", given).strip("_")
    cleaned = cleaned if cleaned[:1].isalpha() else f"part_{cleaned}"
    return _free(cleaned, taken)


def variable_names(given: Iterable[str], reserved: Collection[str] = ()) -> dict[str, str]:
    """Return for each name one that a variable of a circuit may have, itself where it may.

    Parameters
    ----------
    given
        Names of one model.
    reserved
        Names that have a meaning of their own in this model.
    """
    given = list(dict.fromkeys(given))
    kept = {name: name for name in given if name not in reserved and _accepted(name)}
    used = {*kept, *reserved, *SPECIAL_NAMES, *CONSTANT_NAMES, *FUNCTIONS}
    for name in given:
        if name in kept:
            continue
        cleaned = re.sub(r"_+", "_", name).strip("_")
        if name in reserved or not _accepted(cleaned):
            cleaned = f"{cleaned}_value"
        kept[name] = _free(cleaned, used)
        used.add(kept[name])
    return kept


def _accepted(name: str) -> bool:
    try:
        checked_name(name, "")
    except EquationError:
        return False
    return True


def _free(name: str, taken: Collection[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free
