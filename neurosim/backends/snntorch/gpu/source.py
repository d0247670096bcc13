"""The text of two kernels of Triton: all steps of one population, and the way back through them.

The statements are those of the compiled loops (:mod:`neurosim.backends.snntorch.loops.source`). A kernel's lanes
are the neurons of every trial, side by side; each lane keeps its state in registers from step to step, and sums the
derivatives of its own parameters, so that no two lanes ever write to one place and no result depends on their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from neurosim.backends.snntorch.gpu.text import TritonText
from neurosim.backends.snntorch.population import Dynamics
from neurosim.backends.snntorch.step_lines import LIMIT, Reads, StepLines, step_lines, what_is_read
from neurosim.program.step_program import PopulationProgram
from neurosim.program.straight_line import Adjoint, forward_text


@dataclass(frozen=True)
class KernelSource:
    """Both kernels of a population.

    Parameters
    ----------
    text
        The module that holds them, ``forward`` and ``backward``.
    state, fixed, driven
        The variables, the values that do not change within a run, and the inputs of every step, in the order in which
        the kernels take their arrays.
    """

    text: str
    state: tuple[str, ...]
    fixed: tuple[str, ...]
    driven: tuple[str, ...]


def triton_source(
    item: PopulationProgram,
    dynamics: Dynamics,
    deliveries: Sequence[str],
    driven: Sequence[str],
    traced: Sequence[str],
    slope: str | None,
    dtype: torch.dtype,
) -> KernelSource:
    """Return the kernels of a population, ``forward`` and ``backward``.

    Parameters
    ----------
    item, dynamics
        The population.
    deliveries
        The variable that each delivery adds to, in order; deliveries are the inputs ``arrival_0``, ``arrival_1``, ...
    driven
        The inputs that have a value in every step: input variables, random numbers.
    traced
        Variables whose traces have gradients of their own, in the order in which the kernel takes these.
    slope
        The surrogate's derivative as text in ``distance``; ``None`` where it is handed over as an array.
    dtype
        What they compute in.

    Raises
    ------
    Uncovered
        If the population does something that kernels do not know.
    """
    lines = step_lines(item, dynamics, deliveries)
    reads = what_is_read(item, lines, deliveries, driven)
    writer = _Writer(item, lines, reads, tuple(traced), slope, dtype)
    return KernelSource(writer.text(), item.state, reads.fixed, reads.driven)


class _Writer:
    """Puts the lines into kernels."""

    def __init__(
        self,
        item: PopulationProgram,
        lines: StepLines,
        reads: Reads,
        traced: tuple[str, ...],
        slope: str | None,
        dtype: torch.dtype,
    ) -> None:
        self.item, self.lines, self.reads, self.traced, self.slope = item, lines, reads, traced, slope
        self.spiking, self.refractory = item.threshold is not None, item.refractory is not None
        self.single = dtype == torch.float32
        self.print = TritonText(single=self.single)

    def text(self) -> str:
        """Return the module."""
        return "\n".join(
            [
                f'"""All steps of population {self.item.name!r}, and the way back. Written by neurosim."""',
                "",
                "import triton",
                "import triton.language as tl",
                "",
                "from neurosim.backends.snntorch.gpu.functions import cosh, expm1, log1p, sinh, tanh",
                "",
                f"REAL = tl.constexpr(tl.float{32 if self.single else 64})",
                "",
                "",
                *self._forward(),
                "",
                "",
                *self._backward(),
                "",
            ]
        )

    def _head(self, name: str, arrays: list[str]) -> list[str]:
        return [
            '@triton.jit(do_not_specialize=["step", "steps", "start"])',
            f"def {name}(",
            f"    step, steps, start, n, width, {', '.join(arrays)}, DT: tl.constexpr, BLOCK: tl.constexpr",
            "):",
            "    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)",
            "    inside = place < width",
            # Lanes that stand for no neuron repeat the last one and write nothing.
            "    lane = tl.minimum(place, width - 1).to(tl.int64)",
            *(f"    x_{key} = tl.load(P_{key} + lane % n)" for key in self.reads.fixed),
        ]

    def _arrays(self) -> list[str]:
        """Return what both kernels are given: states (time + 1), fixed values, inputs, spikes, distances, rests."""
        arrays = [f"V_{key}" for key in self.item.state] + [f"P_{key}" for key in self.reads.fixed]
        return [*arrays, *(f"I_{key}" for key in self.reads.driven), "S", "U", "A"]

    def _inputs(self) -> list[str]:
        """Return the lines that load what drives a step."""
        loads = [f"x_{key} = tl.load(I_{key} + here)" for key in self.reads.driven]
        if self.reads.time:
            # A product in double precision, rounded once, as everywhere else.
            seconds = "tl.full((BLOCK,), step + t, tl.int64).to(tl.float64) * tl.full((BLOCK,), DT, tl.float64)"
            loads.append(f"x_t = ({seconds}).to(REAL)")
        return loads

    def _program(self) -> list[str]:
        return [self.print.line(forward_text(line)) for line in self.lines.program]

    def _forward(self) -> list[str]:
        body = self._inputs()
        if self.refractory:
            body += [f"active = step + t - last >= x_{LIMIT}", "tl.store(A + here, active.to(tl.int8), mask=inside)"]
        body += self._program()
        if self.spiking:
            body.append("tl.store(S + here, spike, mask=inside)")
            if self.slope is None:
                body.append("tl.store(U + here, distance, mask=inside)")
        if self.refractory:
            body.append("last = tl.where(fired, step + t, last)")
        body.append("here += width")
        for key, final in self.lines.final.items():
            body += [f"tl.store(V_{key} + here, {final}, mask=inside)", f"x_{key} = {final}"]
        return [
            *self._head("forward", [*self._arrays(), "L"]),
            *(f"    x_{key} = tl.load(V_{key} + lane)" for key in self.item.state),
            *(["    last = tl.load(L + lane)"] if self.refractory else []),
            "    here = lane + start",
            "    for t in range(steps):",
            *(f"        {line}" for line in body),
            *(["    tl.store(L + lane, last, mask=inside)"] if self.refractory else []),
        ]

    def _backward(self) -> list[str]:
        state, reads = self.item.state, self.reads
        seeds: dict[str, list[str]] = {}
        for key, final in self.lines.final.items():
            seeds.setdefault(final, []).extend([f"later_{key}", *([f"trace_{key}"] if key in self.traced else [])])
        if self.spiking:
            seeds["spike"] = ["of_spike"]
        adjoint = Adjoint(seeds)
        adjoint.through(self.lines.program)
        results = {key: adjoint.total(f"x_{key}") for key in (*state, *reads.fixed, *reads.driven)}
        body = ["t = steps - 1 - back", *(f"x_{key} = tl.load(V_{key} + here)" for key in state), *self._inputs()]
        if self.refractory:
            body.append("active = tl.load(A + here) != 0")
        body += self._program()
        body += [f"trace_{key} = tl.load(T_{key} + here)" for key in self.traced]
        if self.spiking:
            body += ["of_spike = tl.load(G + here)"]
            body += [self.print.line(f"slope = {self.slope}") if self.slope else "slope = tl.load(H + here)"]
        body += [self.print.line(line) for line in adjoint.lines]
        summed = [key for key in reads.fixed if results[key]]
        body += [f"sum_{key} += {results[key]}" for key in summed]
        body += [f"tl.store(DI_{key} + here, {results[key]}, mask=inside)" for key in reads.driven if results[key]]
        body += [f"later_{key} = {results[key] or 'tl.zeros((BLOCK,), REAL)'}" for key in state]
        body.append("here -= width")
        arrays = [*self._arrays(), "G", "H", *(f"C_{key}" for key in state), *(f"T_{key}" for key in self.traced)]
        arrays += [f"DP_{key}" for key in reads.fixed] + [f"DI_{key}" for key in reads.driven]
        return [
            *self._head("backward", arrays),
            *(f"    later_{key} = tl.load(C_{key} + lane)" for key in state),
            *(f"    sum_{key} = tl.zeros((BLOCK,), REAL)" for key in summed),
            "    here = lane + start",
            "    for back in range(steps):",
            *(f"        {line}" for line in body),
            *(f"    tl.store(C_{key} + lane, later_{key}, mask=inside)" for key in state),
            *(f"    tl.store(DP_{key} + lane, sum_{key}, mask=inside)" for key in summed),
        ]
