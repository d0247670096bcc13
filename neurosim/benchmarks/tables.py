"""Measured benchmarks as tables, for a terminal and for a page: from their JSON values alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: The headings.
COLUMNS = (
    "side", "ratio", "median", "from – to", "asked", "first result, cold", "warm", "preparation", "peak memory",
    "outputs",
)  # fmt: skip
_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_BYTES = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def amount(value: float | None, unit: str) -> str:
    """Return a number with its unit, three digits of it; empty for None."""
    if value is None:
        return ""
    scale, name = next(
        ((size, name) for size, name in {"s": _SECONDS, "B": _BYTES}.get(unit, ()) if abs(value) >= size),
        (1.0, unit),
    )
    return f"{_digits(value / scale)} {name}".rstrip()


def _digits(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def row(side: Mapping[str, Any], checks: Sequence[Mapping[str, Any]], unit: str) -> list[str]:
    """Return the cells of one side, by `COLUMNS`."""
    asked = "" if side.get("at_least") is None else f"≥ {side['at_least']:g}"
    if "median" not in side:
        return [side["name"], "", side["absent"], "", asked, "", "", "", "", "FAILED" if side["failed"] else ""]
    first = side["first"]
    ratio = "" if side["ratio"] is None else _digits(side["ratio"])
    own = [check for check in checks if check["side"] == side["name"]]
    said = "; ".join(check["found"] if check["ok"] else f"DIFFERS: {check['what']}: {check['found']}" for check in own)
    return [
        side["name"], ratio, amount(side["median"], unit),
        f"{amount(side['low'], unit)} – {amount(side['high'], unit)}", asked,
        amount(first.get("cold"), "s"), amount(first.get("warm"), "s"), amount(side["prepared"], "s"),
        amount(side["peak"], "B"), said,
    ]  # fmt: skip


def figure(content: Mapping[str, Any]) -> str:
    """Return a figure as text."""
    bound = "" if content["at_most"] is None else f" (asked: ≤ {content['at_most']:g})"
    bound += "" if content["at_least"] is None else f" (asked: ≥ {content['at_least']:g})"
    return f"{content['what']}: {amount(content['value'], content['unit'])}{bound}"


def filled(content: Mapping[str, Any]) -> tuple[list[str], list[tuple[Mapping[str, Any], list[list[str]]]]]:
    """Return the headings that anything stands under, and the rows of every case."""
    tables = [
        (case, [row(side, case["checks"], content["unit"]) for side in case["sides"]]) for case in content["cases"]
    ]
    used = [
        place for place in range(len(COLUMNS)) if place < 3 or any(line[place] for _, rows in tables for line in rows)
    ]
    return [COLUMNS[place] for place in used], [
        (case, [[line[place] for place in used] for line in rows]) for case, rows in tables
    ]


def circumstances(content: Mapping[str, Any]) -> str:
    """Return where and when it was measured, in a line."""
    machine = content["machine"]
    threads = "one thread" if content["threads"] == 1 else f"{content['threads']} threads"
    quick = ", quick" if content["quick"] else ""
    return (
        f"{threads} of {machine['processors']} processors ({machine['processor']}), load {machine['load']:g} before, "
        f"neurosim {machine['neurosim']}, {machine['time'][:10]}{quick}"
    )


def versions(content: Mapping[str, Any]) -> str:
    """Return the packages of all sides with their versions."""
    found: dict[str, str] = {}
    for case in content["cases"]:
        for side in case["sides"]:
            found |= side.get("versions", {})
    return ", ".join(f"{name} {version}" for name, version in sorted(found.items()))


def markdown(contents: Sequence[Mapping[str, Any]]) -> str:
    """Return the tables of a page, a section for each benchmark."""
    parts = []
    for content in contents:
        headings, tables = filled(content)
        summary = content["summary"][:1].upper() + content["summary"][1:]
        parts.append(f"## {content['name']}\n\n{summary} (`neurosim bench {content['name']}`; ")
        parts[-1] += f"{circumstances(content)}).\n"
        for case, rows in tables:
            lines = [
                f"**{case['label']}**\n",
                _line(headings),
                _line(["---", *["---:"] * 2, *["---"] * len(headings[3:])]),
            ]
            lines += [_line(cells) for cells in rows]
            parts.append("\n".join(lines) + "\n")
            if case["figures"]:
                parts.append("\n".join(f"- {figure(item)}" for item in case["figures"]) + "\n")
        if content["figures"]:
            parts.append("\n".join(f"- {figure(item)}" for item in content["figures"]) + "\n")
        parts += [f"{note}\n" for note in (" ".join(content["notes"]), f"With {versions(content)}.") if note]
    return "\n".join(parts)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
