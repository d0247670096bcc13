"""The text of two loops: all steps of populations that reach themselves, and the way back through them.

A step has the parts of the contract: every population integrates and fires, then spikes arrive, whatever their delay,
then neurons reset. Arrivals from outside are there for all steps; those from inside are looked up among the spikes of
earlier steps. What the way back must know is found by going through its lines: only that is kept, and of variables
only as they stand between arrivals and reset, so that neither arrivals nor what is computed from them are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from neurosim.backends.snntorch.loops import convolving, functions, graded_kernels
from neurosim.backends.snntorch.loops.graded_forward import indented
from neurosim.backends.snntorch.loops.graded_text import GradedText
from neurosim.backends.snntorch.loops.kernels import DIGEST, TOGETHER
from neurosim.backends.snntorch.loops.member import Member, MemberText

KERNEL = "neurosim.backends.snntorch.loops.kernels"
HELPERS = (
    "note_events, note_bits, read_bits, add_lines, add_edges, products_back, edges_back, add_row, add_felt_products"
)


@dataclass(frozen=True)
class Arrival:
    """One addition to one variable of one population.

    Parameters
    ----------
    kind
        ``"ahead"`` (known for all steps), ``"train"`` (spikes that are known for all steps, and a weight matrix),
        ``"lines"`` (a weight matrix, one delay), ``"kernel"`` (a convolution, one delay) or ``"edges"``.
    post
        Place of the population among the members.
    target
        The variable.
    pre
        Place of the population whose spikes arrive; -1 where they are known.
    """

    kind: str
    post: int
    target: str
    pre: int = -1


@dataclass(frozen=True)
class LoopSource:
    """Both loops of a component.

    Parameters
    ----------
    text
        The module that holds them, ``forward`` and ``backward``.
    forward, backward
        The names of the arrays and numbers that each takes, after the first row, the last, the step, ``dt`` and the
        number of steps.
    members
        The populations that have variables, with what they read and keep.
    graded
        The graded stage, if there is one.
    edges
        What the functions take that sum the gradients of edges.
    """

    text: str
    forward: tuple[str, ...]
    backward: tuple[str, ...]
    members: tuple[MemberText, ...]
    graded: GradedText | None = None
    edges: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def loop_source(
    members: Sequence[Member], arrivals: Sequence[Arrival], *, keep: bool, graded: GradedText | None = None
) -> LoopSource:
    """Return the loops of a component.

    Parameters
    ----------
    members
        The populations.
    arrivals
        In the order of the contract.
    keep
        Whether the way back will be gone.
    graded
        The graded stage, if there is one.

    Raises
    ------
    Uncovered
        If a population does something that the loops do not know.
    """
    texts = tuple(
        MemberText(
            place, member, {item.target for item in arrivals if item.post == place}, keep=keep,
            felt=set() if graded is None else graded.felt(place),
        )
        for place, member in enumerate(members)
    )  # fmt: skip
    back = _backward(texts, arrivals, graded) if keep else ["pass"]
    bodies = {"forward": _forward(texts, arrivals, graded), "backward": back}
    if graded is None:
        bodies = {name: [_of_piece(line, back=name == "backward") for line in body] for name, body in bodies.items()}
    else:
        bodies |= graded.edge_functions()
    names = ", ".join(repr(member.item.name) for member in members)
    lines = [f'"""All steps of {names}, and the way back. Written by neurosim."""', "", "import math"]
    lines += ["", "import numpy as np", "", f"from {KERNEL} import ({HELPERS})  # {DIGEST}"]
    if graded is not None:
        lines.append(f"from {graded_kernels.__name__} import products  # {graded_kernels.DIGEST}")
    if any(_by_kernel(item) for item in arrivals) or (graded is not None and graded.convolves):
        lines.append(f"from {convolving.__name__} import add_through_kernel, kernel_back  # {convolving.DIGEST}")
    text = "\n".join(line for body in bodies.values() for line in body)
    if "math.tanh" in text:
        lines.append(f"from {functions.__name__} import tanh  # {functions.DIGEST}")
    lines += ["", "real = np.REAL"]
    taken = {}
    for name, body in bodies.items():
        taken[name] = _taken(body)
        arguments = ", ".join(("first", "last_row", "step", "dt", "steps", *taken[name]))
        lines += ["", "", f"def {name}({arguments}):", *indented(body)]
    forward, backward = taken.pop("forward"), taken.pop("backward")
    written = "\n".join([*lines, ""]).replace("math.tanh(", "tanh(")
    return LoopSource(written, forward, backward, texts, graded, taken)


#: Names of what a body is given: numbers of steps, arrays of a population, arrays of an arrival.
_GIVEN = re.compile(
    r"\b(past\d+|ring\d+|wants\d+|[VBQTPIGCDOJ]\d+_\w+|(?:GT|DP|DI)\d+_\w+|[SZALUGHEK]\d+"
    r"|base|whole|trials|few_\d+|[XWMNYF]_\d+|G[ABCDHMPSWX]_\d+|[GD]E_\d+_\w+"
    r"|(?:delay|delays|starts|bits|numbers|posts|amounts|sizes|elements)_\d+)\b"
)


def _of_piece(line: str, *, back: bool) -> str:
    """Return a line that goes to its place in arrays of some trials only, those from `base`.

    Variables are written where `whole` steps are kept, or all into the room of one.
    """
    line = re.sub(r"\b([VSTLQUH]\d+(?:_\w+)?\[(?:[^\[\],]+, )?)b(?=[,\]])", r"\1b - base", line)
    return line if back else re.sub(r"\b([QU]\d+(?:_\w+)?\[)t, ", r"\1t * whole, ", line)


def _taken(body: Sequence[str]) -> tuple[str, ...]:
    """Return the arrays and numbers that a body does not make itself, in the order in which it reads them."""
    found = dict.fromkeys(name for line in body for name in _GIVEN.findall(line))
    made = {line.split(" = ")[0] for line in body if " = np." in line}
    return tuple(name for name in found if name not in made)


def _size(text: MemberText, array: str) -> str:
    return f"n{text.place} = {array}{text.place}_{text.item.state[0]}.shape[1]"


def _forward(texts: Sequence[MemberText], arrivals: Sequence[Arrival], graded: GradedText | None) -> list[str]:
    made, early, body = [f"block = {TOGETHER}"], [], []
    heard = {item.pre for item in arrivals}
    for text in texts:
        i, n = text.place, f"n{text.place}"
        made += [_size(text, "V"), f"every{i} = np.ones({n}, np.bool_)"]
        if text.rests:
            made += [f"awake{i} = np.ones({n}, np.bool_)", f"free{i} = np.ones({n}, np.bool_)"]
        if text.feels:
            made.append(f"near{i} = np.ones({n}, np.bool_)")
        if i in heard:
            made.append(f"events{i} = np.empty((block, ring{i}, {n} + 3), np.int32)")
            made.append(f"number{i} = np.zeros((block, ring{i}), np.int64)")
        if text.spiking:
            noted = text.note(f"past{i} - age, b", f"r, -age % ring{i}", heard=i in heard)
            early += [f"for age in range(1, ring{i}):", *indented(noted)] if noted else []
    if any(text.timed for text in texts):
        body.append("x_t = real((step + t) * dt)")
    for place, item in enumerate(arrivals):
        made += [f"sum_{place} = np.empty(n{item.post}, real)"] if _summed(item) else []
        made += [f"turned_{place} = np.empty(n{item.post}, real)"] if _by_kernel(item) else []
        if item.kind == "train":
            room = f"8 * bits_{place}.shape[1] + 3"
            made += [f"places_{place} = np.empty({room}, np.int32)", f"factors_{place} = np.empty({room}, real)"]
    inside = _inside(arrivals)
    for text in texts if inside else ():
        body += text.fire(heard=text.place in heard)
    last: list[list[tuple[str, str]]] = [[] for _ in texts]
    for place, item in enumerate(arrivals):
        body += _summed(item, place)
        if item.kind != "edges":
            last[item.post].append((item.target, f"sum_{place}[j]" if _summed(item) else f"X_{place}[t, b, j]"))
            continue
        # Edges add to the variables themselves, after all that comes before them.
        before, last[item.post] = last[item.post], []
        body += [line for target, amount in before for line in _added(texts[item.post], target, amount)]
        body += _along_edges(place, item, masked=texts[item.post].masks(item.target))
    for text in texts:
        body += text.settle(last[text.place]) if inside else text.at_once(last[text.place])
    if graded is not None:
        made += [*graded.sizes(), *graded.rooms()]
    stage = [] if graded is None else graded.forward()
    # Trials take each step together: the graded stage asks for it, and what follows each other in memory is read so.
    rows = ["for b in range(low, high):", "    r = b - low"]
    return [
        *made,
        "for low in range(first, last_row, block):",
        "    high = min(low + block, last_row)",
        *indented([*rows, *indented(early)] if early else []),
        "    for t in range(steps):",
        *indented([*stage, *rows, *indented(body)], 2),
    ]


def _inside(arrivals: Sequence[Arrival]) -> bool:
    """Tell whether anything arrives from the populations themselves."""
    return any(item.kind in ("lines", "kernel", "edges") for item in arrivals)


def _summed(item: Arrival, place: int = 0) -> list[str]:
    """Return the text that sums the weights of spikes, for arrivals that are such a sum."""
    if item.kind == "lines":
        return [
            f"slot = (t - delay_{place}) % ring{item.pre}",
            f"add_lines(sum_{place}, False, events{item.pre}[r, slot], number{item.pre}[r, slot], W_{place})",
        ]
    if _by_kernel(item):
        return [
            f"slot = (t - delay_{place}) % ring{item.pre}",
            f"add_through_kernel(sum_{place}, events{item.pre}[r, slot], number{item.pre}[r, slot], W_{place}, "
            f"{_links(place)}, turned_{place})",
        ]
    if item.kind == "train":
        return [
            f"add_row(sum_{place}, bits_{place}, t * trials + b, numbers_{place}, W_{place}, places_{place}, "
            f"factors_{place})",
        ]
    return []


def _by_kernel(item: Arrival) -> bool:
    return item.kind == "kernel"


def _links(place: int) -> str:
    """Return the names of what tells which places a kernel connects."""
    return ", ".join(f"{name}_{place}" for name in ("sizes", "starts", "posts", "elements"))


def _added(text: MemberText, target: str, amount: str) -> list[str]:
    """Return the loop that adds what arrives to a variable."""
    loop, line = f"for j in range(n{text.place}):", f"V{text.place}_{target}[b, j] += {amount}"
    return [loop, f"    if free{text.place}[j]:", f"        {line}"] if text.masks(target) else [loop, f"    {line}"]


def _along_edges(place: int, item: Arrival, *, masked: bool) -> list[str]:
    """Return the text that adds what arrives by edges, one after another."""
    value, free = f"V{item.post}_{item.target}", f"{'free' if masked else 'every'}{item.post}"
    return [
        f"for k in range(delays_{place}.shape[0]):",
        f"    slot = (t - delays_{place}[k]) % ring{item.pre}",
        f"    add_edges({value}[b], {free}, events{item.pre}[r, slot], number{item.pre}[r, slot], starts_{place}, "
        f"k * n{item.pre}, posts_{place}, amounts_{place})",
    ]


def _backward(texts: Sequence[MemberText], arrivals: Sequence[Arrival], graded: GradedText | None) -> list[str]:
    made, settle, firing, early = [f"block = {TOGETHER}"], [], [], []
    for text in texts:
        i, n = text.place, f"n{text.place}"
        made.append(_size(text, "C"))
        if text.spiking:
            made += [f"R{i} = np.empty((block, {n}), real)", f"spiked{i} = np.empty((block, {n}), np.bool_)"]
            made.append(f"earlier{i} = np.empty({n}, np.bool_)")
        if text.rests:
            made.append(f"alert{i} = np.empty((block, {n}), np.bool_)")
        made += [f"O{i}_{key} = np.empty((block, {n}), real)" for key in text.started]
        if not _inside(arrivals):
            firing += text.back_at_once()
            continue
        settle += text.back_of_settling()
        firing += text.back_of_firing()
        early += _back_before(text, arrivals)
    made += [
        f"turned_{place} = np.empty(n{item.post} * block, real)"
        for place, item in enumerate(arrivals)
        if _by_kernel(item)
    ]
    rows = ["for b in range(low, high):", "    r = b - low"]
    steps = ["x_t = real((step + t) * dt)"] if any(text.timed for text in texts) else []
    steps += [*rows, *indented(settle)] if settle else []
    for place, item in enumerate(arrivals):
        few = item.kind == "lines" and texts[item.pre].feels
        steps += _led_back_where_felt(place, item) if few else _led_back(place, item, "t")
    steps += [*rows, *indented(firing)]
    if graded is not None:
        made += [*graded.sizes(), *graded.rooms_back()]
        steps += graded.backward()
    return [
        *made,
        "for low in range(first, last_row, block):",
        "    high = min(low + block, last_row)",
        "    for t in range(steps - 1, -1, -1):",
        *indented(steps, 2),
        *indented(early),
    ]


def _led_back(place: int, item: Arrival, step: str) -> list[str]:
    """Return the text that adds to the gradients of the spikes of a step what they led to."""
    found = f"D{item.post}_{item.target}"
    if item.kind == "lines":
        later = f"{step} + delay_{place}"
        return [f"if 0 <= {later} < steps:", f"    products_back(R{item.pre}, {found}[{later}], low, high, M_{place})"]
    if _by_kernel(item):
        later = f"{step} + delay_{place}"
        call = f"kernel_back(R{item.pre}, {found}[{later}], low, high, M_{place}, {_links(place)}, turned_{place})"
        return [f"if 0 <= {later} < steps:", f"    {call}"]
    if item.kind == "edges":
        given = ", ".join(f"{name}_{place}" for name in ("starts", "posts", "delays", "amounts"))
        return ["for b in range(low, high):", f"    edges_back(R{item.pre}[b - low], {found}, {step}, b, {given})"]
    return []


def _led_back_where_felt(place: int, item: Arrival) -> list[str]:
    """Return the same for gradients that few spikes feel: only these are found."""
    later, i = f"t + delay_{place}", item.pre
    return [
        f"if few_{place} == 0:",
        *indented(_led_back(place, item, "t")),
        f"elif 0 <= {later} < steps:",
        "    for b in range(low, high):",
        f"        add_felt_products(R{i}[b - low], D{item.post}_{item.target}[{later}, b], K{i}[t, b], N_{place})",
    ]


def _back_before(text: MemberText, arrivals: Sequence[Arrival]) -> list[str]:
    """Return the text that finds the gradients of the spikes before the first step."""
    i = text.place
    led = [line for place, item in enumerate(arrivals) if item.pre == i for line in _led_back(place, item, "(-age)")]
    if not led:
        return []
    return [
        f"for age in range(1, ring{i}):",
        f"    R{i}[:] = real(0.0)",
        *indented(led),
        "    for b in range(low, high):",
        f"        E{i}[past{i} - age, b] = R{i}[b - low]",
    ]
