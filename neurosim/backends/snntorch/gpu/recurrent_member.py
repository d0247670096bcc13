"""What one population does in the kernels of a component: functions of Triton for a block of its neurons.

A step has the parts of :mod:`neurosim.backends.snntorch.loops.source`, cut where spikes arrive: ``fire`` and ``settle``
on the way forward, ``back_settle`` and ``back_fire`` on the way back. Each reads and writes elements of its own neurons
only, but for the spikes and the gradients of arrivals that a part before it has left.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from neurosim.backends.snntorch.gpu.text import TritonText
from neurosim.backends.snntorch.loops.lines import needed, two_parts
from neurosim.backends.snntorch.loops.member import Member
from neurosim.backends.snntorch.loops.source import Arrival
from neurosim.backends.snntorch.step_lines import LIMIT, leaves
from neurosim.program.straight_line import Adjoint, Line, forward_text

#: Arrays and numbers that a text is given.
_GIVEN = re.compile(r"\b[A-Z]{1,2}(?:\d+(?:_\w+)?|_\d+)\b")
#: Lines of a weight matrix that the way back takes together.
TOGETHER = 8


@dataclass(frozen=True)
class Layout:
    """How neurons are laid out in blocks.

    Parameters
    ----------
    block
        Neurons of a block, a power of 2.
    single
        Whether values are float32.
    sizes, depths
        Neurons of each population, and how many steps before the first its spikes are known from.
    """

    block: int
    single: bool
    sizes: tuple[int, ...]
    depths: tuple[int, ...]

    def tiles(self, place: int) -> int:
        """Return how many blocks a population has."""
        return -(-self.sizes[place] // self.block)


def given_to(text: Sequence[str]) -> tuple[str, ...]:
    """Return the arrays that lines are given, in the order in which they name them."""
    return tuple(dict.fromkeys(name for line in text for name in _GIVEN.findall(line)))


class MemberKernels:
    """Writes the functions of one population.

    Parameters
    ----------
    place
        Of the population among the members; all names of its arrays go on with it.
    member
        The population.
    arrivals
        Of the component, in the order of the contract.
    delays
        In steps, of those that come by a weight matrix.
    layout
        How neurons are laid out.
    keep
        Whether the way back will be gone.

    Notes
    -----
    Of population 0, ``V0_v`` is the variable v now, (batch, neuron), ``B0_v`` the same at the start, ``Q0_v`` between
    arrivals and reset in every step, (time, batch, neuron), ``T0_v`` its trace. ``P0_``, ``I0_``: values of the run and
    inputs. ``S0``: spikes, from the earliest known. ``A0``: who does not rest. ``L0``: step of the last spike. ``U0``:
    the surrogate's argument. ``NE0``, ``NC0``: lists of spikes and how long they are, (step of a ring, batch, block).
    ``G0``, ``GT0_``: gradients of spikes and traces, ``H0``: the surrogate's slope, ``R0``: gradients of the spikes of
    a step, ``E0``: of those before the first. ``D0_``: gradients of arrivals. ``C0_``, ``DP0_``, ``DI0_``: those of
    variables, values of the run and inputs. Of arrival 0, ``X_0`` is what arrives, ``M_0`` a weight matrix (pre, post),
    ``W_0`` the same (post, pre); ``ES_0``, ``EP_0``, ``ED_0``, ``EA_0`` are where the edges of a neuron begin, their
    other ends, delays and amounts, by postsynaptic neuron, and ``FS_0``, ... the same by presynaptic neuron.
    """

    def __init__(
        self, place: int, member: Member, arrivals: Sequence[Arrival], delays: Sequence[int | None], layout: Layout,
        *, keep: bool,
    ) -> None:  # fmt: skip
        self.place, self.member, self.item, self.layout, self.keep = place, member, member.item, layout, keep
        self.arrivals, self.delays = arrivals, delays
        self.parts = two_parts(member.item, member.dynamics)
        self.spiking, self.rests = member.item.threshold is not None, member.item.refractory is not None
        self.targets = {item.target for item in arrivals if item.post == place}
        self.heard = any(item.kind == "lines" and item.pre == place for item in arrivals)
        self.led = [count for count, item in enumerate(arrivals) if item.pre == place]
        read = leaves([*self.parts.fire, *self.parts.settle])
        self.driven = [key for key in member.driven if key in read]
        self.fixed = sorted(read - set(self.item.state) - set(member.driven) - {"t"})
        self.timed = "t" in read
        if self.rests:
            self.fixed.append(LIMIT)
        self.print = TritonText(single=layout.single)
        self.back_settle, self.back_fire = (self._back_settle(), self._back_fire()) if keep else ([], [])
        back = given_to([*self.back_settle, *self.back_fire])
        #: Variables that are kept in every step, as they stand between arrivals and reset.
        self.kept = [key for key in self.item.state if f"Q{place}_{key}" in back]
        self.fire, self.settle = self._fire(), self._settle()
        self.early = self._early() if keep and self.led and layout.depths[place] else []
        self.note = self._note() if self.heard and layout.depths[place] else []

    # -- text ----------------------------------------------------------------------------------------------------

    def _written(self, lines: Sequence[str]) -> list[str]:
        """Return those lines that something depends on, in Triton, behind where the block's neurons are."""
        found = [line if "tl." in line or "along_" in line else self.print.line(line) for line in needed(lines)]
        return [*self._places(found), *found] if found else []

    def _places(self, lines: Sequence[str]) -> list[str]:
        n, past = self.layout.sizes[self.place], self.layout.depths[self.place]
        places = [
            f"place = first + tl.arange(0, {self.layout.block})",
            f"inside = place < {n}",
            # Lanes that stand for no neuron repeat the last one and write nothing.
            f"lane = tl.minimum(place, {n - 1}).to(tl.int64)",
            f"at = b * {n} + lane",
            f"now = (t * batch + b) * {n} + lane",
            f"before = (tl.maximum(t - 1, 0) * batch + b) * {n} + lane",
            f"then = (({past} + t) * batch + b) * {n} + lane",
            f"earlier = (tl.maximum({past} + t - 1, 0) * batch + b) * {n} + lane",
        ]
        read = {node.id for line in lines for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Name)}
        kept: list[str] = []
        for line in reversed(places):
            name, _, value = line.partition(" = ")
            if name in read:
                kept.append(line)
                read |= {node.id for node in ast.walk(ast.parse(value)) if isinstance(node, ast.Name)}
        return kept[::-1]

    def _values(self) -> list[str]:
        found = [f"x_{key} = P{self.place}_{key}[lane]" for key in self.fixed]
        found += [f"x_{key} = I{self.place}_{key}[now]" for key in self.driven]
        if self.timed:
            # A product in double precision, rounded once, as everywhere else.
            seconds = "tl.full((BLOCK,), step + t, tl.int64).to(tl.float64) * tl.full((BLOCK,), DT, tl.float64)"
            found.append(f"x_t = ({seconds}).to(REAL)")
        return found

    def _fired(self, row: str) -> list[str]:
        return [f"fired = S{self.place}[{row}] != real(0.0)"] if self.spiking else []

    def _active(self) -> list[str]:
        return [f"active = tl.load(A{self.place} + now) != 0"] if self.rests else []

    # -- a step --------------------------------------------------------------------------------------------------

    def _fire(self) -> list[str]:
        """Return the lines that integrate and fire."""
        i, arrived = self.place, self.parts.arrived
        lines = [f"x_{key} = V{i}_{key}[at]" for key in self.item.state] + self._values()
        if self.rests:
            lines += [f"since = L{i}[at]", f"active = step + t - since >= x_{LIMIT}"]
        lines += map(forward_text, self.parts.fire)
        if self.spiking:
            lines.append(f"S{i}[then] = spike")
            if self.member.slope is None and self.keep:
                lines.append(f"U{i}[now] = distance")
        if self.rests:
            lines.append(f"tl.store(A{i} + now, active.to(tl.int8), mask=inside)")
            lines.append(f"tl.store(L{i} + at, tl.where(fired, step + t, since), mask=inside)")
        lines += [f"V{i}_{key}[at] = {arrived[key]}" for key in self.item.state if arrived[key] != f"x_{key}"]
        return self._written([*lines, *(self._listed("fired") if self.heard else [])])

    def _slot(self, late: int = 0) -> str:
        """Return which row of the lists belongs to the spikes of some steps ago."""
        return f"(({self.layout.depths[self.place]} + t - {late}) % {self.layout.depths[self.place] + 1} * batch + b)"

    def _listed(self, fired: str) -> list[str]:
        """Return the line that lists the spikes of a step."""
        tiles, block = self.layout.tiles(self.place), self.layout.block
        return [
            f"note_events({fired} & inside, place + tl.zeros((BLOCK,), tl.int32), "
            f"NE{self.place} + {self._slot()} * {tiles * block} + first, "
            f"NC{self.place} + {self._slot()} * {tiles} + first // {block})"
        ]

    def _note(self) -> list[str]:
        """Return the lines that list spikes from before the first step."""
        lines = [f"spiked = tl.load(S{self.place} + then) != 0.0", *self._listed("spiked")]
        return [*self._places(lines), *lines]

    def _settle(self) -> list[str]:
        """Return the lines that add what arrives, keep what the way back reads, and reset."""
        i, arrived, final = self.place, self.parts.arrived, self.parts.final
        lines = [f"{arrived[key]} = V{i}_{key}[at]" for key in self.item.state] + self._values()
        lines += [*self._fired("then"), *self._active()]
        if self.rests:
            lines.append("active_after = active and not fired")
        for count, item in enumerate(self.arrivals):
            if item.post == i:
                lines += self._arriving(count, item)
        lines += map(forward_text, self.parts.settle)
        if self.keep:
            lines += [f"Q{i}_{key}[now] = {arrived[key]}" for key in self.kept]
        for key in self.item.state:
            if key in self.targets or final[key] != arrived[key]:
                lines.append(f"V{i}_{key}[at] = {final[key]}")
        return self._written([*lines, *(f"T{i}_{key}[now] = {final[key]}" for key in self.member.traced)])

    def _arriving(self, count: int, item: Arrival) -> list[str]:
        """Return the lines that add an arrival to its variable."""
        name = self.parts.arrived[item.target]
        found: list[str] = []
        after = f"{name} + X_{count}[now]"
        if item.kind == "lines":
            # The lists are those of the other population, whose slot may have another length.
            past, late = self.layout.depths[item.pre], self.delays[count]
            row, tiles = f"(({past} + t - {late}) % {past + 1} * batch + b)", self.layout.tiles(item.pre)
            lists = f"NE{item.pre} + {row} * {tiles * self.layout.block}, NC{item.pre} + {row} * {tiles}"
            found.append(
                f"sum_{count} = along_lines(M_{count}, {lists}, lane, {tiles}, {self.layout.sizes[self.place]}, BLOCK)"
            )
            after = f"{name} + sum_{count}"
        elif item.kind == "edges":
            past, n = self.layout.depths[item.pre], self.layout.sizes[item.pre]
            table = ", ".join(f"{letter}_{count}" for letter in ("ES", "EP", "ED", "EA"))
            spikes = f"S{item.pre} + (({past} + t) * batch + b) * {n}"
            found.append(f"after_{count} = along_edges({name}, {table}, {spikes}, batch * {n}, lane)")
            after = f"after_{count}"
        return [*found, f"{name} = {after}" + (f" if active_after else {name}" if self.masks(item.target) else "")]

    def masks(self, target: str) -> bool:
        """Tell whether arrivals at a variable are lost while a neuron rests."""
        return self.rests and target in self.item.masked

    # -- the way back --------------------------------------------------------------------------------------------

    def _back_settle(self) -> list[str]:
        """Return the lines that go back through a reset, and give the gradients of arrivals."""
        i, state, arrived, final = self.place, self.item.state, self.parts.arrived, self.parts.final
        seeds: dict[str, list[str]] = {}
        for key in state:
            traced = [f"GT{i}_{key}[now]"] if key in self.member.traced else []
            seeds.setdefault(final[key], []).extend([f"C{i}_{key}[at]", *traced])
        adjoint = Adjoint(seeds)
        adjoint.through(self.parts.settle)
        totals = {key: adjoint.total(arrived[key]) or "real(0.0)" for key in state}
        spike = adjoint.total("spike")
        lines = [f"{arrived[key]} = Q{i}_{key}[now]" for key in state] + self._values()
        lines += [*self._fired("then"), *self._active()]
        if self.rests:
            lines.append("awake = active and not fired")
        lines += [*map(forward_text, self.parts.settle), *adjoint.lines, *self._of_values(adjoint)]
        for key in sorted(self.targets):
            lines.append(f"D{i}_{key}[now] = {totals[key]}" + (" if awake else real(0.0)" if self.masks(key) else ""))
        lines += [f"C{i}_{key}[at] = {totals[key]}" for key in state]
        if self.spiking:
            lines.append(f"R{i}[at] = G{i}[now]" + (f" + {spike}" if spike else ""))
        return self._written(lines)

    def _back_fire(self) -> list[str]:
        """Return the lines that go back through the spikes and the integration."""
        i, state, arrived, final = self.place, self.item.state, self.parts.arrived, self.parts.final
        seeds: dict[str, list[str]] = {"spike": ["felt"]} if self.spiking else {}
        for key in state:
            seeds.setdefault(arrived[key], []).append(f"C{i}_{key}[at]")
        adjoint = Adjoint(seeds)
        adjoint.through(self.parts.fire)
        totals = {key: adjoint.total(f"x_{key}") or "real(0.0)" for key in state}
        # With which variables the step began: those after the last one's reset.
        lines = [f"{arrived[key]} = Q{i}_{key}[before]" for key in state] + self._values()
        lines += [*self._fired("earlier"), *map(forward_text, self.parts.settle)]
        lines.append("begins = (t + tl.zeros((BLOCK,), tl.int32)) == 0")
        lines += [f"start_{key} = B{i}_{key}[at] if begins else {final[key]}" for key in state]
        lines += [f"x_{key} = start_{key}" for key in state] + self._active()
        # What was kept, or is known from the spikes, is not computed again.
        known = {
            arrived[key]: f"Q{i}_{key}[now]" for key in state if key not in self.targets and arrived[key] != f"x_{key}"
        }
        known["fired"] = f"S{i}[then] != real(0.0)"
        lines += [self._known(line, known) for line in self.parts.fire]
        if self.spiking:
            lines += [f"felt = R{i}[at]", *self._led_back()]
            lines.append(f"slope = {self.member.slope or f'H{i}[now]'}")
        lines += adjoint.lines
        lines += [f"C{i}_{key}[at] = {totals[key]}" for key in state]
        inputs = {key: adjoint.total(f"x_{key}") for key in self.driven if key in self.member.learned}
        lines += [f"DI{i}_{key}[now] = {total}" for key, total in inputs.items() if total]
        return self._written([*lines, *self._of_values(adjoint)])

    @staticmethod
    def _known(line: Line, known: dict[str, str]) -> str:
        return f"{line.target} = {known[line.target]}" if line.target in known else forward_text(line)

    def _led_back(self) -> list[str]:
        """Return the lines that add to the gradients of a step's spikes what these led to."""
        lines = []
        for count in self.led:
            item, late = self.arrivals[count], self.delays[count]
            n, array = self.layout.sizes[item.post], f"D{item.post}_{item.target}"
            if item.kind == "lines":
                happens = f"(t + {late} >= 0) & (t + {late} < steps)"
                lines.append(
                    f"felt = back_along_lines(felt, W_{count}, {array} + ((t + {late}) * batch + b) * {n}, {happens}, "
                    f"lane, {self.layout.sizes[self.place]}, {n}, {TOGETHER}, BLOCK)"
                )
            else:
                table = ", ".join(f"{letter}_{count}" for letter in ("FS", "FP", "FD", "FA"))
                felt = f"{array} + (t * batch + b) * {n}, batch * {n}"
                lines.append(f"felt = back_along_edges(felt, {table}, {felt}, t, steps, lane)")
        return lines

    def _early(self) -> list[str]:
        """Return the lines that find the gradients of the spikes of a step before the first."""
        return self._written(["felt = tl.zeros((BLOCK,), REAL)", *self._led_back(), f"E{self.place}[then] = felt"])

    def _of_values(self, adjoint: Adjoint) -> list[str]:
        place = self.place
        found = {key: adjoint.total(f"x_{key}") for key in self.fixed if key in self.member.learned}
        return [f"DP{place}_{key}[at] = DP{place}_{key}[at] + {total}" for key, total in found.items() if total]
