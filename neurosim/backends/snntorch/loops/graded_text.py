"""The graded stage of a component as text: the way back through it, and the gradients of edges."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from neurosim.backends.snntorch.loops.graded_forward import GradedForward, Lines, indented, links_of
from neurosim.backends.snntorch.loops.graded_terms import GradedStage, Term, Total
from neurosim.backends.snntorch.loops.lines import needed, once, read_by
from neurosim.circuit.synapse_model import WEIGHT
from neurosim.program.straight_line import Adjoint, Let, printed


class GradedText(GradedForward):
    """Writes the graded stage of a component, both ways.

    Parameters
    ----------
    stage, traced, keep
        See :class:`~neurosim.backends.snntorch.loops.graded_forward.GradedForward`.
    learned
        By place, the values of the run and inputs whose gradients are wanted.
    learned_edges
        By projection, the values of its edges whose gradients are wanted.
    """

    def __init__(
        self,
        stage: GradedStage,
        traced: Sequence[tuple[int, str]],
        learned: Sequence[frozenset[str]],
        learned_edges: Mapping[str, frozenset[str]],
        *,
        keep: bool,
    ) -> None:
        super().__init__(stage, traced, keep=keep)
        self.learned, self.learned_edges = tuple(learned), learned_edges
        self._back = {number: self._reading_back(number) for number in range(len(stage.readings))} if keep else {}
        #: Readings that gradients go on from.
        self._wanted = {number for number, lines in self._back.items() if lines}
        self._edges_back = {
            number: self._along_edges_back(number, term)
            for number, term in enumerate(stage.terms)
            if keep and term.kind == "edges"
        }

    def felt(self, place: int) -> set[str]:
        """Return the variables of a population whose first value in a step the way back reads."""
        read = set().union(*(read_by(lines) for lines in self._back.values()))
        return {key for key in self.stage.items[place].state if f"O{place}_{key}" in read}

    def rooms_back(self) -> Lines:
        """Return the lines that make the arrays of the way back."""
        readings, found = self.stage.readings, list[str]()
        for number in sorted(self._lanes_read()):
            found.append(f"lane_{number} = np.empty((n{readings[number].place}, block), real)")
        for number in sorted(self.lanes & self._wanted):
            found.append(f"dlane_{number} = np.empty((n{readings[number].place}, block), real)")
        for number in sorted(self.rows & self._wanted):
            found.append(f"dy_{number} = np.empty((block, n{readings[number].place}), real)")
        for number, term in enumerate(self.stage.terms):
            if term.kind == "kernel":
                found.append(f"turned_{number}g = np.empty(n{term.post} * block, real)")
        for total in self._totals_by_edges():
            found.append(f"glane{total.place}_{total.variable} = np.empty((n{total.place}, block), real)")
        return found

    def _lanes_read(self) -> set[int]:
        """Return the readings whose values the way back along edges reads."""
        text = "\n".join(line for lines in self._edges_back.values() for line in lines)
        return {number for number in self.lanes if re.search(rf"\blane_{number}\b", text)}

    def _totals_by_edges(self) -> list[Total]:
        wanted = {(term.post, term.target) for term in self.stage.terms if term.kind == "edges"}
        return [total for total in self.stage.totals if (total.place, total.variable) in wanted]

    def backward(self) -> Lines:
        """Return what is done for the trials from ``low`` to ``high`` after they have gone back through step ``t``."""
        body = ["x_t = real((step + t) * dt)"] if self.stage.timed else []
        body += [f"dlane_{number}[:] = real(0.0)" for number in sorted(self.lanes & self._wanted)]
        body += [f"dy_{number}[:] = real(0.0)" for number in sorted(self.rows & self._wanted)]
        for number in sorted(self._lanes_read()):
            place = self.stage.readings[number].place
            body += self.over_block(place, [f"lane_{number}[j, r] = Y_{number}[t, b, j]"])
        for kind, what in reversed(self.stage.schedule):
            if isinstance(what, Total):
                body += self._total_back(what)
            elif kind == "reading":
                body += self.over_block(self.stage.readings[what].place, self._back[what]) if self._back[what] else []
            elif self.stage.terms[what].kind in ("matrix", "kernel"):
                body += self._product_back(what)
            elif self.stage.terms[what].kind == "edges":
                body += self._edges_back[what]
        return body

    def _product_back(self, number: int) -> Lines:
        term = self.stage.terms[number]
        if term.source not in self._wanted:
            return []
        if term.kind == "kernel":
            gradients = f"DI{term.post}_{term.target}[t], low, high, GM_{number}"
            given = f"{links_of('ABCD', number)}, turned_{number}g"
            return [f"kernel_back(dy_{term.source}, {gradients}, {given})"]
        return [f"products_back(dy_{term.source}, DI{term.post}_{term.target}[t], low, high, GM_{number})"]

    def _total_back(self, total: Total) -> Lines:
        i, key = total.place, total.variable
        gradient, body = f"DI{i}_{key}[t, b, j]", list[str]()
        if (i, key) in self.traced:
            body.append(f"{gradient} += GT{i}_{key}[t, b, j]")
        if total in self._totals_by_edges():
            body.append(f"glane{i}_{key}[j, r] = {gradient}")
        return self.over_block(i, body) if body else []

    def _along_edges_back(self, number: int, term: Term) -> Lines:
        adjoint = Adjoint({"amount": ["g"]})
        adjoint.through([Let("amount", term.tree)])
        results = []
        for end in "ab":
            for reading in term.readings(end):
                total = adjoint.total(f"{end}_{reading}")
                if total is not None and reading in self._wanted:
                    results.append(f"dlane_{end}_{reading}[r] += {total}")
        inner = [f"g = glane{term.post}_{term.target}[j, r]", *adjoint.lines, *results]
        text = self.over_edges(number, term, {"lane", "dlane"}, inner)
        text = [f"for j in range(n{term.post}):", *indented([*self.at_end(term, "b", "j", {"lane", "dlane"}), *text])]
        return _without_unread(text) if results else []

    def _reading_back(self, number: int) -> Lines:
        reading = self.stage.readings[number]
        item, i = self.stage.items[reading.place], reading.place
        adjoint = Adjoint({"y": ["d"]})
        adjoint.through([Let("y", reading.tree)])
        results = []
        for key in reading.reads:
            total = None if key == "t" else adjoint.total(f"x_{key}")
            if total is None:
                continue
            if item.kind == "neurons" and key in item.state:
                results.append(f"C{i}_{key}[b, j] += {total}")
            elif self.is_total(i, key):
                results.append(f"DI{i}_{key}[t, b, j] += {total}")
            elif key in self.learned[i]:
                driven = key in item.inputs or item.kind == "signal"
                results.append(f"DI{i}_{key}[t, b, j] += {total}" if driven else f"DP{i}_{key}[b, j] += {total}")
        parts = [f"dy_{number}[r, j]"] if number in self.rows else []
        parts += [f"dlane_{number}[j, r]"] if number in self.lanes else []
        body = [f"d = {' + '.join(parts)}", *self.loads(reading, "O"), *adjoint.lines, *results]
        if not results:
            return []
        again = once([f"y = Y_{number}[t, b, j]", *body], {printed(reading.tree): "y"})
        return needed(again)

    # -- values of edges -----------------------------------------------------------------------------------------

    def edge_functions(self) -> dict[str, Lines]:
        """Return by name the functions that sum the gradients of edges over all steps and trials."""
        found = {}
        for number, term in enumerate(self.stage.terms):
            learned = self.learned_edges.get(term.projection, frozenset())
            wanted = [key for key in term.edge_names if key in learned and not (term.outer and key == WEIGHT)]
            if self.keep and term.kind == "edges" and wanted:
                found[f"edges_{number}"] = self._of_edges(number, term, wanted)
        return found

    def _of_edges(self, number: int, term: Term, wanted: Sequence[str]) -> Lines:
        adjoint = Adjoint({"amount": ["g"]})
        adjoint.through([Let("amount", term.tree)])
        totals = {key: adjoint.total(f"e_{key}") for key in wanted}
        results = [f"DE_{number}_{key}[e] += {total}" for key, total in totals.items() if total]
        loads = [f"e_{key} = GE_{number}_{key}[e]" for key in term.edge_names]
        loads += [f"a_{reading} = row_{reading}[GX_{number}[e]]" for reading in term.readings("a")]
        loads += [f"b_{reading} = row_{reading}[GP_{number}[e]]" for reading in term.readings("b")]
        gradient = f"DI{term.post}_{term.target}"
        body = needed(once([*loads, f"g = gs[GP_{number}[e]]", *adjoint.lines, *results]))
        rows = [f"row_{reading} = Y_{reading}[t, b]" for reading in sorted({*term.readings("a"), *term.readings("b")})]
        time = ["x_t = real((step + t) * dt)"] if "x_t" in read_by(body) else []
        text = [
            "for t in range(steps):", *indented(time), f"    for b in range({gradient}.shape[1]):",
            f"        gs = {gradient}[t, b]", *indented(rows, 2),
            "        for e in range(first, last_row):", *indented(body, 3),
        ]  # fmt: skip
        return _without_unread(text)


def _without_unread(text: Lines) -> Lines:
    """Return a text without the lines that name rows of arrays which no other line reads."""
    found = []
    for line in text:
        match = re.fullmatch(r"\s*((?:row|lane|dlane)_\w+) = .*", line)
        if match and not any(re.search(rf"\b{match[1]}\b", other) for other in text if other is not line):
            continue
        found.append(line)
    return found
