"""What one population does in the loops of a component, as text: its part of a step, and its part of the way back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from neurosim.backends.snntorch.loops.lines import needed, once, read_by, two_parts
from neurosim.backends.snntorch.population import Dynamics
from neurosim.backends.snntorch.step_lines import LIMIT, leaves
from neurosim.program.step_program import PopulationProgram
from neurosim.program.straight_line import Adjoint, forward_text


@dataclass(frozen=True)
class Member:
    """A population of a component.

    Parameters
    ----------
    item, dynamics
        The population.
    driven
        The inputs that have a value in every step: input variables, random numbers.
    traced
        Variables whose traces are wanted.
    learned
        Values of the run, and inputs, whose gradients are wanted.
    slope
        The surrogate's derivative as text in ``distance``; ``None`` where it is handed over as an array.
    support
        Where it is not 0, as text; ``None`` where nothing is known of that.
    """

    item: PopulationProgram
    dynamics: Dynamics
    driven: tuple[str, ...]
    traced: tuple[str, ...]
    learned: frozenset[str]
    slope: str | None
    support: str | None = None


class MemberText:
    """Writes the loops over the neurons of one population.

    Parameters
    ----------
    place
        Of the population among the members; all names of its arrays end in it, or go on from it.
    member
        The population.
    targets
        The variables that arrivals are added to.
    keep
        Whether the way back will be gone.
    felt
        Variables whose first value in a step others read on the way back.

    Notes
    -----
    Of population 0, ``V0_v`` is the variable v now, (batch, neuron), ``B0_v`` the same at the start, ``Q0_v`` between
    arrivals and reset in every step, (time, batch, neuron), ``T0_v`` its trace. ``P0_``, ``I0_``: values of the run and
    inputs. ``S0``: spikes, from `past0` steps before the first. ``Z0``: the same as bits. ``A0``: who does not rest, as
    bits. ``K0``: whose spikes feel a gradient, as bits. ``L0``: step of the last spike. ``U0``: the surrogate's
    argument. ``G0``, ``GT0_``: gradients of spikes and traces, ``H0``: the surrogate's slope. ``D0_``: gradients of
    arrivals. ``C0_``, ``DP0_``, ``DI0_``: those of variables, values of the run and inputs.
    """

    def __init__(self, place: int, member: Member, targets: set[str], *, keep: bool, felt: Iterable[str] = ()) -> None:
        self.place, self.member, self.targets, self.keep = place, member, targets, keep
        self.item, self.parts = member.item, two_parts(member.item, member.dynamics)
        self.feels = keep and member.item.threshold is not None and member.support is not None
        self.spiking, self.rests = member.item.threshold is not None, member.item.refractory is not None
        read = leaves([*self.parts.fire, *self.parts.settle])
        self.driven = [key for key in member.driven if key in read]
        self.fixed = sorted(read - set(self.item.state) - set(member.driven) - {"t"})
        self.timed = "t" in read
        if self.rests:
            self.fixed.append(LIMIT)
        self._settling, self._firing = self._back_of_settling(), self._back_of_firing()
        #: Variables whose first value the way back reads, and those that are kept for it in every step.
        read = {*read_by(self._firing), *(f"O{place}_{key}" for key in felt)}
        self.started = [key for key in self.item.state if f"O{place}_{key}" in read]
        self._start = self._beginning(self.started)
        back = read_by([*self._settling, *self._start, *self._firing])
        self.kept = [key for key in self.item.state if f"Q{place}_{key}" in back]

    def masks(self, target: str) -> bool:
        """Tell whether arrivals at a variable are lost while a neuron rests."""
        return self.rests and target in self.item.masked

    # -- a step --------------------------------------------------------------------------------------------------

    def _loads(self) -> list[str]:
        place = self.place
        loads = [f"x_{key} = V{place}_{key}[b, j]" for key in self.item.state]
        return loads + self._given()

    def _given(self) -> list[str]:
        loads = [f"x_{key} = P{self.place}_{key}[j]" for key in self.fixed]
        return loads + [f"x_{key} = I{self.place}_{key}[t, b, j]" for key in self.driven]

    def fire(self, *, heard: bool) -> list[str]:
        """Return the loop that integrates and fires; `heard` inside, spikes are listed."""
        i, arrived = self.place, self.parts.arrived
        body = self._fired()
        body += [f"V{i}_{key}[b, j] = {arrived[key]}" for key in self.item.state if arrived[key] != f"x_{key}"]
        if self.rests:
            body.append(f"free{i}[j] = active_after")
        return [*self._over_neurons(needed(body)), *self._noted(heard=heard)]

    def at_once(self, arriving: Sequence[tuple[str, str]]) -> list[str]:
        """Return the loop that does all of a step, where nothing arrives from inside.

        Parameters
        ----------
        arriving
            Variables and what is added to them, in order.
        """
        body = [*self._fired(), *(self._added(*item) for item in arriving), *self._settled(None)]
        return [*self._over_neurons(needed(body)), *self._noted(heard=False)]

    def settle(self, arriving: Sequence[tuple[str, str]]) -> list[str]:
        """Return the loop that adds the last arrivals, keeps what the way back reads, and resets."""
        i, arrived = self.place, self.parts.arrived
        body = [f"{arrived[key]} = V{i}_{key}[b, j]" for key in self.item.state] + self._given()
        if self.spiking:
            body.append(f"fired = S{i}[past{i} + t, b, j] != real(0.0)")
        if self.rests:
            body.append(f"active_after = free{i}[j]")
        body += [*(self._added(*item) for item in arriving), *self._settled({target for target, _ in arriving})]
        body = needed(body)
        return self._over_neurons(body) if body else []

    def _fired(self) -> list[str]:
        """Return the lines that integrate and fire."""
        i, body = self.place, self._loads()
        if self.rests:
            body.append(f"active = (step + t) - L{i}[b, j] >= x_{LIMIT}")
        body += [forward_text(line) for line in self.parts.fire]
        if self.spiking:
            body.append(f"S{i}[past{i} + t, b, j] = spike")
            if self.member.slope is None and self.keep:
                body.append(f"U{i}[t, b, j] = distance")
            if self.feels:
                body.append(f"near{i}[j] = {self.member.support}")
        if self.rests:
            body += [f"awake{i}[j] = active", f"L{i}[b, j] = step + t if fired else L{i}[b, j]"]
        return body

    def _added(self, target: str, amount: str) -> str:
        """Return the line that adds what arrives to a variable."""
        name = self.parts.arrived[target]
        return f"{name} = {name} + {amount}" + (f" if active_after else {name}" if self.masks(target) else "")

    def _settled(self, changed: set[str] | None) -> list[str]:
        """Return the lines after all arrivals; only what they change is stored, and `changed` (``None``: all)."""
        i, arrived, final = self.place, self.parts.arrived, self.parts.final
        body = [forward_text(line) for line in self.parts.settle]
        if self.keep:
            body += [f"Q{i}_{key}[t, b, j] = {arrived[key]}" for key in self.kept]
        for key in self.item.state:
            if changed is None or key in changed or final[key] != arrived[key]:
                body.append(f"V{i}_{key}[b, j] = {final[key]}")
        return body + [f"T{i}_{key}[t, b, j] = {final[key]}" for key in self.member.traced]

    def _noted(self, *, heard: bool) -> list[str]:
        """Return the lines that keep a step's spikes, and who does not rest, as bits."""
        i = self.place
        text = self.note(f"past{i} + t, b", f"r, t % ring{i}", heard=heard) if self.spiking else []
        text += [f"note_bits(near{i}, K{i}[t, b])"] if self.feels else []
        return [*text, f"note_bits(awake{i}, A{i}[t, b])"] if self.rests else text

    def note(self, row: str, slot: str, *, heard: bool) -> list[str]:
        """Return the lines that list the spikes of a step, and keep them as bits."""
        i = self.place
        listed = [f"number{i}[{slot}] = note_events(S{i}[{row}], events{i}[{slot}])"] if heard else []
        return [*listed, *([f"note_bits(S{i}[{row}], Z{i}[{row}])"] if self.keep else [])]

    def _over_neurons(self, body: Iterable[str]) -> list[str]:
        """Return a loop over neurons; rows of arrays are taken before it, which is less to compile."""
        rows: dict[str, str] = {}

        def row(found: re.Match[str]) -> str:
            name = rows.setdefault(found[1], f"row{self.place}_{len(rows)}")
            return f"{name}[j]"

        text = [re.sub(r"\b(\w+\[[^\[\]]+), j\]", row, line) for line in once(list(body))]
        taken = [f"{name} = {array}]" for array, name in rows.items()]
        return [*taken, f"for j in range(n{self.place}):", *(f"    {line}" for line in text)]

    # -- the way back --------------------------------------------------------------------------------------------

    def _back_of_settling(self) -> list[str]:
        """Return the lines that go back through a reset, and give the gradients of arrivals."""
        i, state, arrived, final = self.place, self.item.state, self.parts.arrived, self.parts.final
        seeds: dict[str, list[str]] = {}
        for key in state:
            traced = [f"GT{i}_{key}[t, b, j]"] if key in self.member.traced else []
            seeds.setdefault(final[key], []).extend([f"C{i}_{key}[b, j]", *traced])
        adjoint = Adjoint(seeds)
        adjoint.through(self.parts.settle)
        totals = {key: adjoint.total(arrived[key]) or "real(0.0)" for key in state}
        results = self._of_values(adjoint)
        for key in sorted(self.targets):
            gate = " if awake else real(0.0)" if self.masks(key) else ""
            results.append(f"D{i}_{key}[t, b, j] = {totals[key]}{gate}")
        results += [f"C{i}_{key}[b, j] = {totals[key]}" for key in state]
        if self.spiking:
            spike = adjoint.total("spike")
            results.append(f"R{i}[r, j] = G{i}[t, b, j]" + (f" + {spike}" if spike else ""))
        known = [f"{arrived[key]} = Q{i}_{key}[t, b, j]" for key in state]
        known += [f"fired = spiked{i}[r, j]", f"awake = alert{i}[r, j] and not spiked{i}[r, j]"]
        return needed([*known, *self._given(), *map(forward_text, self.parts.settle), *adjoint.lines, *results])

    def _back_of_firing(self) -> list[str]:
        """Return the lines that go back through the spikes and the integration."""
        i, state, arrived = self.place, self.item.state, self.parts.arrived
        seeds: dict[str, list[str]] = {"spike": [f"R{i}[r, j]"]} if self.spiking else {}
        for key in state:
            seeds.setdefault(arrived[key], []).append(f"C{i}_{key}[b, j]")
        adjoint = Adjoint(seeds)
        adjoint.through(self.parts.fire)
        results = [f"C{i}_{key}[b, j] = {adjoint.total(f'x_{key}') or 'real(0.0)'}" for key in state]
        results += self._of_values(adjoint)
        inputs = {key: adjoint.total(f"x_{key}") for key in self.driven if key in self.member.learned}
        results += [f"DI{i}_{key}[t, b, j] = {total}" for key, total in inputs.items() if total]
        # What was kept, or is known from the spikes, is not computed again.
        known = {
            arrived[key]: f"Q{i}_{key}[t, b, j]"
            for key in state
            if key not in self.targets and arrived[key] != f"x_{key}"
        }
        known["fired"] = f"spiked{i}[r, j]"
        lines = [f"x_{key} = O{i}_{key}[r, j]" for key in state] + self._given() + [f"active = alert{i}[r, j]"]
        lines += [
            f"{line.target} = {known[line.target]}" if line.target in known else forward_text(line)
            for line in self.parts.fire
        ]
        if self.spiking:
            lines.append(f"slope = {self.member.slope or f'H{i}[t, b, j]'}")
        return needed([*lines, *adjoint.lines, *results])

    def _beginning(self, wanted: Iterable[str]) -> list[str]:
        """Return the lines that find with which variables a step began: those after the last one's reset."""
        i, arrived, final = self.place, self.parts.arrived, self.parts.final
        lines = [f"{arrived[key]} = Q{i}_{key}[t - 1, b, j]" for key in self.item.state]
        lines += [*self._given(), f"fired = earlier{i}[j]", *map(forward_text, self.parts.settle)]
        return needed([*lines, *(f"O{i}_{key}[r, j] = {final[key]}" for key in wanted)])

    def _of_values(self, adjoint: Adjoint) -> list[str]:
        found = {key: adjoint.total(f"x_{key}") for key in self.fixed if key in self.member.learned}
        return [f"DP{self.place}_{key}[b, j] += {total}" for key, total in found.items() if total]

    def back_of_settling(self) -> list[str]:
        """Return the loop back through the reset, of a step ``t`` and a trial ``b``, the `r`-th of its block."""
        return [*self._bits_read(), *self._over_neurons(self._settling)]

    def back_of_firing(self) -> list[str]:
        """Return the loops that find how the step began, and go back through it."""
        return [*self._begun(), *self._over_neurons(self._firing)]

    def back_at_once(self) -> list[str]:
        """Return the loop back through all of a step, where nobody inside hears the spikes."""
        i, body = self.place, list[str]()
        # What one loop leaves to the other in arrays stays in registers.
        for line in self._settling:
            renamed = re.sub(r"\bd_(\d+)\b", r"e_\1", line)
            renamed = re.sub(rf"^C{i}_(\w+)\[b, j\] = ", r"left_\1 = ", renamed)
            body.append(re.sub(rf"^R{i}\[r, j\] = ", "felt = ", renamed))
        for line in self._firing:
            target, sign, value = line.partition(" = ")
            value = re.sub(rf"\bC{i}_(\w+)\[b, j\]", r"left_\1", value).replace(f"R{i}[r, j]", "felt")
            body.append(f"{target}{sign}{value}")
        return [*self._bits_read(), *self._begun(), *self._over_neurons(needed(body))]

    def _bits_read(self) -> list[str]:
        i = self.place
        text = [f"read_bits(Z{i}[past{i} + t, b], spiked{i}[r])"] if self.spiking else []
        return [*text, f"read_bits(A{i}[t, b], alert{i}[r])"] if self.rests else text

    def _begun(self) -> list[str]:
        """Return the loop that finds with which variables the step began."""
        i = self.place
        if not self.started:
            return []
        first = [f"O{i}_{key}[r] = B{i}_{key}[b]" for key in self.started]
        later = self._over_neurons(self._start)
        if f"earlier{i}" in read_by(self._start):
            later.insert(0, f"read_bits(Z{i}[past{i} + t - 1, b], earlier{i})")
        return ["if t == 0:", *(f"    {line}" for line in first), "else:", *(f"    {line}" for line in later)]
