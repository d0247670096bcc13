"""The graded stage of a component as text: what it does before every step.

Trials go through it in blocks. Where a projection is a matrix product, a block's readings are its rows; where it goes
edge by edge, trials lie next to each other, so that what is looked up for an edge serves all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from neurosim.backends.snntorch.loops.graded_terms import GradedStage, Reading, Term, Total
from neurosim.backends.snntorch.loops.lines import needed, once
from neurosim.program.straight_line import printed

Lines = list[str]


def indented(lines: Iterable[str], depth: int = 1) -> Lines:
    """Return lines moved to the right."""
    return ["    " * depth + line for line in lines]


def links_of(letters: str, number: int) -> str:
    """Return the names of the links of a kernel, one way."""
    return ", ".join(f"G{letter}_{number}" for letter in letters)


class GradedForward:
    """Writes the graded stage of a component, one way.

    Parameters
    ----------
    stage
        What it does.
    traced
        The inputs whose values are wanted, as (place, variable).
    keep
        Whether the way back will be gone.

    Notes
    -----
    Of reading 3: ``Y_3``, its value, (time, batch, neuron), ``lane_3``, the same now, (neuron, trial of the block), and
    ``dy_3``, ``dlane_3``, its gradient as rows and as lanes. Of term 2: ``GW_2`` its matrix, (pre, post), and ``GM_2``
    the same for the way back, (post, pre), or a kernel, whose links are those of
    :class:`~neurosim.backends.snntorch.loops.kernel_links.KernelBothWays`; ``GS_2``, where the edges of each neuron
    begin, ``GX_2`` and ``GP_2`` their ends and ``GE_2_w`` their values. ``F_2``: a sum that stays. ``I0_x``: an input
    of population 0, ``J0_1_x`` what is given of it. For other names see
    :class:`~neurosim.backends.snntorch.loops.member.MemberText`.
    """

    def __init__(self, stage: GradedStage, traced: Sequence[tuple[int, str]], *, keep: bool) -> None:
        self.stage, self.traced, self.keep = stage, tuple(traced), keep
        by_edges = [term for term in stage.terms if term.kind == "edges"]
        self.lanes = {number for term in by_edges for number in (*term.readings("a"), *term.readings("b"))}
        self.rows = {term.source for term in stage.terms if term.kind in ("matrix", "kernel")}

    @property
    def convolves(self) -> bool:
        """Whether a kernel is multiplied with what is read."""
        return any(term.kind == "kernel" for term in self.stage.terms)

    def fixed(self, place: int) -> set[str]:
        """Return the values of the run that are read of a population."""
        item = self.stage.items[place]
        return {key for key in self.stage.read(place) if key in item.parameters}

    def driven(self, place: int) -> set[str]:
        """Return the inputs that are read of a population and are no totals."""
        item = self.stage.items[place]
        own = {"signal"} if item.kind == "signal" else set(item.inputs)
        return {key for key in self.stage.read(place) & own if not self.is_total(place, key)}

    @property
    def given(self) -> set[str]:
        """The values of the run and inputs that are read, by the names of their arrays."""
        places = range(len(self.stage.items))
        return {
            *(f"P{place}_{key}" for place in places for key in self.fixed(place)),
            *(f"I{place}_{key}" for place in places for key in self.driven(place)),
        }

    def is_total(self, place: int, key: str) -> bool:
        """Tell whether a variable of a population is an input that is summed here."""
        return any(total.place == place and total.variable == key for total in self.stage.totals)

    def sizes(self) -> Lines:
        """Return the lines that find how many neurons a population without variables has."""
        found = []
        for place, item in enumerate(self.stage.items):
            if item.kind == "neurons" and item.state:
                continue
            arrays = [f"I{place}_{total.variable}" for total in self.stage.totals if total.place == place]
            arrays += [f"Y_{number}" for number, reading in enumerate(self.stage.readings) if reading.place == place]
            found += [f"n{place} = {array}.shape[2]" for array in arrays[:1]]
        return found

    def rooms(self) -> Lines:
        """Return the lines that make the arrays of the way forward."""
        readings = self.stage.readings
        found = [f"lane_{number} = np.empty((n{readings[number].place}, block), real)" for number in sorted(self.lanes)]
        for number, term in enumerate(self.stage.terms):
            if term.kind in ("matrix", "kernel"):
                found.append(f"sum_{number}g = np.empty((block, n{term.post}), real)")
            elif term.kind == "edges" and term.sum == number:
                found.append(f"sum_{number}g = np.empty((n{term.post}, block), real)")
            if term.kind == "kernel":
                found.append(f"turned_{number}g = np.empty(n{term.pre} * block, real)")
        return found

    def forward(self) -> Lines:
        """Return what is done for the trials from ``low`` to ``high`` before they take step ``t``."""
        body = ["x_t = real((step + t) * dt)"] if self.stage.timed else []
        for kind, what in self.stage.schedule:
            if isinstance(what, Total):
                body += self._total(what)
            elif kind == "reading":
                body += self._reading(what)
            else:
                body += self._term(what)
        return body

    def _when(self) -> str:
        return "t" if self.keep else "0"

    def _reading(self, number: int) -> Lines:
        reading = self.stage.readings[number]
        body = [*self.loads(reading, "V"), f"y = {printed(reading.tree)}", f"Y_{number}[{self._when()}, b, j] = y"]
        if number in self.lanes:
            body.append(f"lane_{number}[j, r] = y")
        return self.over_block(reading.place, needed(body))

    def loads(self, reading: Reading, of_state: str) -> Lines:
        """Return the lines that load what a reading reads."""
        item, i = self.stage.items[reading.place], reading.place
        found = []
        for key in reading.reads:
            if key == "t":
                continue
            if item.kind == "neurons" and key in item.state:
                found.append(f"x_{key} = V{i}_{key}[b, j]" if of_state == "V" else f"x_{key} = O{i}_{key}[r, j]")
            elif key in item.inputs or item.kind == "signal":
                found.append(f"x_{key} = I{i}_{key}[t, b, j]")
            else:
                found.append(f"x_{key} = P{i}_{key}[j]")
        return found

    def over_block(self, place: int, body: Lines) -> Lines:
        """Return a loop over the trials of a block, and over neurons."""
        return [
            "for b in range(low, high):", "    r = b - low", f"    for j in range(n{place}):", *indented(body, 2)
        ]  # fmt: skip

    def _term(self, number: int) -> Lines:
        term = self.stage.terms[number]
        if term.kind == "fixed":
            return []
        if term.kind == "matrix":
            return [f"products(sum_{number}g, Y_{term.source}[{self._when()}], low, high, GW_{number})"]
        if term.kind == "kernel":
            values = f"Y_{term.source}[{self._when()}], low, high, GW_{number}"
            given = f"{links_of('HSXP', number)}, turned_{number}g"
            return [f"sum_{number}g[:] = real(0.0)", f"kernel_back(sum_{number}g, {values}, {given})"]
        total = f"sum_{term.sum}g"
        inner = [f"total[r] += {printed(term.tree)}"]
        start = ["for r in range(high - low):", "    total[r] = real(0.0)"] if term.sum == number else []
        return [
            f"for j in range(n{term.post}):",
            f"    total = {total}[j]",
            *indented(start),
            *indented(self.at_end(term, "b", "j", {"lane"})),
            *indented(self.over_edges(number, term, {"lane"}, inner)),
        ]

    def at_end(self, term: Term, end: str, index: str, arrays: set[str]) -> Lines:
        """Return the lines that take the rows of the readings at an end, for one neuron."""
        return [
            f"{array}_{end}_{number} = {array}_{number}[{index}]"
            for array in sorted(arrays)
            for number in term.readings(end)
        ]

    def over_edges(self, number: int, term: Term, arrays: set[str], inner: Lines) -> Lines:
        """Return the loop over the edges of neuron ``j``, and over the trials of a block."""
        values = [f"e_{key} = GE_{number}_{key}[e]" for key in term.edge_names]
        lanes = [f"{end}_{reading} = lane_{end}_{reading}[r]" for end in "ab" for reading in term.readings(end)]
        return [
            f"for e in range(GS_{number}[j], GS_{number}[j + 1]):",
            f"    i = GX_{number}[e]",
            *indented([*values, *self.at_end(term, "a", "i", arrays)]),
            "    for r in range(high - low):",
            *indented(needed(once([*lanes, *inner])), 2),
        ]

    def _total(self, total: Total) -> Lines:
        i, key = total.place, total.variable
        body = [f"x = {' + '.join(self._parts(total))}", f"I{i}_{key}[t, b, j] = x"]
        if (i, key) in self.traced:
            body.append(f"T{i}_{key}[t, b, j] = x")
        return self.over_block(i, body)

    def _parts(self, total: Total) -> Lines:
        found = []
        for place, part in enumerate(total.parts):
            if isinstance(part, tuple):
                found.append(f"J{total.place}_{place}_{total.variable}[t, b, j]")
            else:
                by_row = f"sum_{part}g[r, j]"
                form = {"matrix": by_row, "kernel": by_row, "edges": f"sum_{part}g[j, r]", "fixed": f"F_{part}[j]"}
                found.append(form[self.stage.terms[part].kind])
        return found
