"""A report as plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from neurosim.verification.comparison import SPIKES, Comparison, Divergence, PopulationSpikes, VariableDifference
from neurosim.verification.report import VerifyReport

_MOST_LINES = 8
_SYMBOLS = {"volt": "V", "amp": "A", "siemens": "S", "second": "s", "1": ""}


def report_text(report: VerifyReport) -> str:
    """Return a report for a reader: the outcome, a table of the backends, and for each that differs where and how."""
    trials = f", {report.trials} trials" if report.trials > 1 else ""
    begin = f" from {_time(report.start_step * report.dt)}" if report.start_step else ""
    head = (
        f"{report.circuit}: {_time(report.duration)}{begin} in {report.n_steps} steps of {_time(report.dt)}, "
        f"seed {report.seed}{trials}, {report.dtype}"
    )
    outcome = "IDENTICAL" if report.identical else "NOT IDENTICAL"
    sections = [f"{head}\n{outcome}", _table(_backends(report))]
    sections += [_differences(item) for item in report.comparisons if not item.identical]
    return "\n\n".join(sections)


def _backends(report: VerifyReport) -> list[list[str]]:
    reference, *others = report.spikes
    rows = [["backend", "spikes", "", "largest relative difference", "tolerance"]]
    rows.append([reference, f"{report.spikes[reference]:,}", "reference", "", ""])
    for name in others:
        comparison = report[name]
        outcome = "identical" if comparison.identical else "differs"
        rows.append([name, f"{report.spikes[name]:,}", outcome, _largest(comparison), f"{comparison.tolerance:g}"])
    return rows


def _largest(comparison: Comparison) -> str:
    items = [*comparison.traces, *comparison.state]
    largest = max(items, key=lambda item: item.relative, default=None)
    if largest is None or largest.absolute == 0:
        return "none"
    return f"{largest.relative:.2g} ({largest.address})"


def _differences(comparison: Comparison) -> str:
    first, cause = comparison.first_divergence, comparison.state_divergence
    lines = [f"{comparison.other} against {comparison.reference}"]
    if first is not None:
        lines.append(f"  first divergence: {_place(first, comparison)}")
    if cause is not None and cause != first:
        lines.append(f"  states differ from: {_place(cause, comparison)}")
    if comparison.spikes and all(item.counts == (item.common, item.common) for item in comparison.spikes):
        lines.append("  every spike is equal")
    else:
        lines += _spike_table(comparison.spikes)
    lines += _difference_table("traces", comparison.traces)
    lines += _difference_table("final states", comparison.state)
    return "\n".join(lines)


def _spike_table(populations: Sequence[PopulationSpikes]) -> list[str]:
    if not populations:
        return []
    rows = [["population", "neurons", "spikes", "in common", "from there on", "rate (Hz)", "difference"]]
    for item in populations[:_MOST_LINES]:
        rows.append(
            [
                item.population,
                f"{item.neurons:,}",
                " | ".join(f"{count:,}" for count in item.counts),
                f"{item.common:,}",
                " | ".join(f"{count:,}" for count in item.counts_beyond),
                " | ".join(f"{rate:.3g}" for rate in item.rates_beyond),
                f"{item.relative_difference:+.2%}",
            ]
        )
    return _indented(_table(rows), len(populations))


def _difference_table(title: str, items: Sequence[VariableDifference]) -> list[str]:
    odd = sorted((item for item in items if item.absolute > 0), key=lambda item: -item.relative)
    if not odd:
        return []
    rows = [[f"largest differences of {title}", "absolute", "relative"]]
    rows += [[item.address, f"{item.absolute:.3g}", f"{item.relative:.3g}"] for item in odd[:_MOST_LINES]]
    return _indented(_table(rows), len(odd))


def _place(place: Divergence, comparison: Comparison) -> str:
    where = f"step {place.step} ({_time(place.time)}), {place.population} neuron {place.neuron}"
    where += f", trial {place.trial}" if place.trial else ""
    if place.variable == SPIKES:
        return f"{where}: a spike in {comparison.reference if place.values[0] else comparison.other} only"
    unit = _SYMBOLS.get(place.unit, place.unit)
    values = " against ".join(f"{value!r} {unit}".rstrip() for value in place.values)
    return f"{where}: {place.variable} is {values}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as aligned columns, numbers to the right."""
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [bool(re.match(r"[+-]?[\d.,]+%?$", column[-1])) for column in columns]
    lines = []
    for row in rows:
        cells = [
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _indented(table: str, total: int) -> list[str]:
    lines = [f"    {line}" for line in table.splitlines()]
    return [*lines, f"    ... and {total - _MOST_LINES} more"] if total > _MOST_LINES else lines


def _time(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 or seconds == 0 else f"{seconds * 1e3:g} ms"
