"""The text of two loops: all steps of one population, and the way back through them.

Written from the same statements that the general path executes, for a population that no spike of its own reaches. The
text is Python for numba; a program is run in registers, neuron after neuron, so that nothing but states, spikes and
what drives them is ever stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neurosim.backends.snntorch.population import Dynamics
from neurosim.backends.snntorch.step_lines import LIMIT, StepLines, step_lines, what_is_read
from neurosim.program.step_program import PopulationProgram
from neurosim.program.straight_line import Adjoint, forward_text


@dataclass(frozen=True)
class ScanSource:
    """Both loops of a population.

    Parameters
    ----------
    text
        The module that holds them, ``forward`` and ``backward``.
    state, fixed, driven
        The variables, the values that do not change within a run, and the inputs of every step, in the order in which
        the loops take their arrays.
    """

    text: str
    state: tuple[str, ...]
    fixed: tuple[str, ...]
    driven: tuple[str, ...]


def scan_source(
    item: PopulationProgram,
    dynamics: Dynamics,
    deliveries: Sequence[str],
    driven: Sequence[str],
    traced: Sequence[str],
    slope: str | None,
) -> ScanSource:
    """Return the loops of a population.

    Parameters
    ----------
    item, dynamics
        The population.
    deliveries
        The variable that each delivery adds to, in order; deliveries are the inputs ``arrival_0``, ``arrival_1``, ...
    driven
        The inputs that have a value in every step: input variables, random numbers.
    traced
        Variables whose traces have gradients of their own.
    slope
        The surrogate's derivative as text in ``distance``; ``None`` where it is handed over as an array.

    Raises
    ------
    Uncovered
        If the population does something that the loops do not know.
    """
    lines = step_lines(item, dynamics, deliveries)
    reads = what_is_read(item, lines, deliveries, driven)
    writer = _Writer(item, lines, list(reads.fixed), list(reads.driven), set(traced), reads.time, slope)
    return ScanSource(writer.text(), item.state, reads.fixed, reads.driven)


class _Writer:
    """Puts the lines into loops over trials, steps and neurons."""

    def __init__(
        self,
        item: PopulationProgram,
        lines: StepLines,
        fixed: list[str],
        driven: list[str],
        traced: set[str],
        timed: bool,
        slope: str | None,
    ) -> None:
        self.item, self.lines, self.fixed, self.driven = item, lines, fixed, driven
        self.traced, self.timed, self.slope = traced, timed, slope
        self.spiking = item.threshold is not None
        self.refractory = item.refractory is not None

    def text(self) -> str:
        """Return the module."""
        head = [
            f'"""All steps of population {self.item.name!r}, and the way back. Written by neurosim."""',
            "",
            "import math",
            "",
            "import numpy as np",
            "",
            "real = np.REAL",
            "",
            "",
        ]
        return "\n".join([*head, *self._forward(), "", "", *self._backward(), ""])

    def _loads(self) -> list[str]:
        loads = [f"x_{key} = V_{key}[t, b, j]" for key in self.item.state]
        loads += [f"x_{key} = P_{key}[j]" for key in self.fixed]
        return loads + [f"x_{key} = I_{key}[t, b, j]" for key in self.driven]

    def _arguments(self) -> list[str]:
        arrays = [f"V_{key}" for key in self.item.state] + [f"P_{key}" for key in self.fixed]
        arrays += [f"I_{key}" for key in self.driven]
        return [*arrays, "S", "U", "last", "A"]

    def _forward(self) -> list[str]:
        body = self._loads()
        if self.refractory:
            body += [f"active = (step + t) - last[b, j] >= x_{LIMIT}", "A[t, b, j] = active"]
        body += [forward_text(line) for line in self.lines.program]
        body += [f"V_{key}[t + 1, b, j] = {final}" for key, final in self.lines.final.items()]
        if self.spiking:
            body += ["S[t, b, j] = spike", *([] if self.slope else ["U[t, b, j] = distance"])]
        if self.refractory:
            body += ["last[b, j] = step + t if fired else last[b, j]"]
        return [
            f"def forward(first, last_row, step, dt, steps, n, {', '.join(self._arguments())}):",
            "    for b in range(first, last_row):",
            "        for t in range(steps):",
            *([] if not self.timed else ["            x_t = real((step + t) * dt)"]),
            "            for j in range(n):",
            *(f"                {line}" for line in body),
        ]

    def _backward(self) -> list[str]:
        seeds = {
            final: [f"C_{key}[b, j]", *([f"T_{key}[t, b, j]"] if key in self.traced else [])]
            for key, final in self.lines.final.items()
        }
        merged: dict[str, list[str]] = {}
        for final, texts in seeds.items():
            merged.setdefault(final, []).extend(texts)
        if self.spiking:
            merged["spike"] = ["G[t, b, j]"]
        adjoint = Adjoint(merged)
        adjoint.through(self.lines.program)
        results = {key: adjoint.total(f"x_{key}") for key in (*self.item.state, *self.fixed, *self.driven)}
        body = self._loads()
        if self.refractory:
            body.append("active = A[t, b, j]")
        body += [forward_text(line) for line in self.lines.program]
        if self.spiking:
            body.append(f"slope = {self.slope or 'H[t, b, j]'}")
        body += adjoint.lines
        body += [f"C_{key}[b, j] = {results[key] or 'real(0.0)'}" for key in self.item.state]
        body += [f"DP_{key}[b, j] += {results[key]}" for key in self.fixed if results[key]]
        body += [f"DI_{key}[t, b, j] = {results[key] or 'real(0.0)'}" for key in self.driven]
        arrays = [*self._arguments(), "G", "H", *(f"C_{key}" for key in self.item.state)]
        arrays += [f"T_{key}" for key in self.item.state if key in self.traced]
        arrays += [f"DP_{key}" for key in self.fixed] + [f"DI_{key}" for key in self.driven]
        return [
            f"def backward(first, last_row, step, dt, steps, n, {', '.join(arrays)}):",
            "    for b in range(first, last_row):",
            "        for t in range(steps - 1, -1, -1):",
            *([] if not self.timed else ["            x_t = real((step + t) * dt)"]),
            "            for j in range(n):",
            *(f"                {line}" for line in body),
        ]
