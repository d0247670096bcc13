"""The text of kernels of Triton: all steps of populations that reach themselves, and the way back through them.

A component whose populations each fit into one block is run by one program for every trial, which goes through all
steps: its threads meet where spikes arrive, and nothing is launched in between (``forward``, ``backward``). Larger
populations are cut into blocks, and every part of a step is a launch over blocks and trials (``fire``, ``settle``,
``back_settle``, ``back_fire``). Both call the same functions (:mod:`neurosim.backends.snntorch.gpu.recurrent_member`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from neurosim.backends.snntorch.gpu.recurrent_member import Layout, MemberKernels, given_to
from neurosim.backends.snntorch.loops.member import Member
from neurosim.backends.snntorch.loops.source import Arrival

#: Neurons of the largest population that one program goes through.
WIDEST = 1024
#: Neurons of a block of larger populations.
BLOCK = 128
#: Neurons of the smallest block: a warp's.
NARROWEST = 32
#: The parts of a step, forward and backward.
FORWARD, BACKWARD = ("fire", "settle"), ("back_settle", "back_fire")
#: What every function is given besides arrays.
_NUMBERS = "step, t, steps, first, b, batch"
_RECURRENT = "along_edges, along_lines, back_along_edges, back_along_lines, note_events"


@dataclass(frozen=True)
class RecurrentSource:
    """The kernels of a component.

    Parameters
    ----------
    text
        The module that holds them.
    arrays
        Of each kernel, the arrays that it takes after its numbers.
    members
        The populations, with what they read and keep.
    layout
        How neurons are laid out.
    """

    text: str
    arrays: dict[str, tuple[str, ...]]
    members: tuple[MemberKernels, ...]
    layout: Layout

    @property
    def at_once(self) -> bool:
        """Whether one launch goes through all steps."""
        return is_at_once(self.layout.sizes)


def is_at_once(sizes: Sequence[int]) -> bool:
    """Tell whether one launch goes through all steps of populations of some sizes."""
    return max(sizes) <= WIDEST


def block_of(sizes: Sequence[int]) -> int:
    """Return how many neurons a block holds."""
    return max(NARROWEST, 1 << (max(sizes) - 1).bit_length()) if is_at_once(sizes) else BLOCK


def recurrent_source(
    members: Sequence[Member], arrivals: Sequence[Arrival], delays: Sequence[int | None], depths: Sequence[int],
    dtype: torch.dtype, *, keep: bool,
) -> RecurrentSource:  # fmt: skip
    """Return the kernels of a component.

    Parameters
    ----------
    members
        The populations.
    arrivals
        In the order of the contract: ``"ahead"``, ``"lines"`` or ``"edges"``.
    delays
        Of each arrival by a weight matrix, in steps.
    depths
        For each population, how many steps before the first its spikes are known from.
    dtype
        What they compute in.
    keep
        Whether the way back will be gone.

    Raises
    ------
    Uncovered
        If a population does something that kernels do not know.
    """
    sizes = tuple(member.item.n for member in members)
    layout = Layout(block_of(sizes), dtype == torch.float32, sizes, tuple(depths))
    texts = tuple(
        MemberKernels(place, member, arrivals, delays, layout, keep=keep) for place, member in enumerate(members)
    )
    names = ", ".join(repr(member.item.name) for member in members)
    lines = [f'"""All steps of {names}, and the way back. Written by neurosim."""', ""]
    lines += ["import triton", "import triton.language as tl", ""]
    lines += ["from neurosim.backends.snntorch.gpu.functions import cosh, expm1, log1p, sinh, tanh"]
    lines += [f"from neurosim.backends.snntorch.gpu.recurrent_kernels import {_RECURRENT}", ""]
    lines += [f"REAL = tl.constexpr(tl.float{32 if layout.single else 64})", f"BLOCK = tl.constexpr({layout.block})"]
    for text in texts:
        for part in ("note", *FORWARD, *BACKWARD, "early"):
            lines += _function(text, part)
    arrays: dict[str, tuple[str, ...]] = {}
    whole = {"forward": _forward(texts, layout), "backward": _backward(texts, layout) if keep else []}
    parts = ("note", *FORWARD, *BACKWARD, "early")
    drivers = whole if is_at_once(sizes) else {part: _part(texts, part, layout) for part in parts}
    for name, body in drivers.items():
        if body:
            arrays[name] = given_to(body)
            numbers = "step, steps, batch" if name in whole else "step, t, steps, batch"
            lines += _kernel(name, numbers, arrays[name], body)
    return RecurrentSource("\n".join([*lines, ""]), arrays, texts, layout)


def _function(text: MemberKernels, part: str) -> list[str]:
    body = getattr(text, part)
    if not body:
        return []
    given = ", ".join((_NUMBERS, *given_to(body), "DT: tl.constexpr"))
    return ["", "", "@triton.jit", f"def {part}_{text.place}({given}):", *_indented(body)]


def _kernel(name: str, numbers: str, arrays: Sequence[str], body: Sequence[str]) -> list[str]:
    # A number that changes from call to call is no reason to compile again.
    loose = ", ".join(f'"{number}"' for number in numbers.split(", "))
    head = [f"@triton.jit(do_not_specialize=[{loose}])"]
    head.append(f"def {name}({numbers}, {', '.join(arrays)}, DT: tl.constexpr):")
    return ["", "", *head, "    b = tl.program_id(0).to(tl.int64)", *_indented(body)]


def _called(text: MemberKernels, part: str) -> str:
    return f"{part}_{text.place}({', '.join((_NUMBERS, *given_to(getattr(text, part)), 'DT'))})"


def _all(texts: Sequence[MemberKernels], part: str) -> list[str]:
    """Return the lines that do a part of a step for every population, and wait for all threads."""
    lines = [_called(text, part) for text in texts if getattr(text, part)]
    return [*lines, "tl.debug_barrier()"] if lines else []


def _forward(texts: Sequence[MemberKernels], layout: Layout) -> list[str]:
    lines = ["first = 0", *_noted(texts, layout, _called)]
    step = [line for part in FORWARD for line in _all(texts, part)]
    return [*lines, "for t in range(steps):", *_indented(step)]


def _noted(texts: Sequence[MemberKernels], layout: Layout, line: Callable[[MemberKernels, str], str]) -> list[str]:
    """Return the lines that list the spikes from before the first step."""
    found: list[str] = []
    for text in texts:
        if text.note:
            found += [f"for t in range(-{layout.depths[text.place]}, 0):", f"    {line(text, 'note')}"]
    return [*found, "tl.debug_barrier()"] if found else []


def _backward(texts: Sequence[MemberKernels], layout: Layout) -> list[str]:
    step = ["t = steps - 1 - back", *(line for part in BACKWARD for line in _all(texts, part))]
    lines = ["first = 0", "for back in range(steps):", *_indented(step)]
    for text in texts:
        if text.early:
            lines += [f"for t in range(-{layout.depths[text.place]}, 0):", f"    {_called(text, 'early')}"]
    return lines


def _part(texts: Sequence[MemberKernels], part: str, layout: Layout) -> list[str]:
    """Return the lines that do a part of a step for one block of every population that has it."""
    lines: list[str] = []
    for text in texts:
        if getattr(text, part):
            # Spikes before the first step are known from as many steps as a population has, not the component.
            early = f" and t >= -{layout.depths[text.place]}" if part in ("note", "early") else ""
            lines += [f"if first < {layout.sizes[text.place]}{early}:", f"    {_called(text, part)}"]
    return [f"first = tl.program_id(1) * {layout.block}", *lines] if lines else []


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]
