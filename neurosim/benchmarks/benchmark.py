"""What a benchmark is: work, in one size or several, and the sides that do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: JSON values by name.
Settings = Mapping[str, Any]
#: What a side hands over after its last run, by name.
Arrays = Mapping[str, NDArray[Any]]

#: The folder of the scripts of all sides.
SIDES = Path(__file__).with_name("sides")
#: The name of the side that all others are held against.
OURS = "neurosim"


@dataclass(frozen=True)
class Case:
    """One size of the work."""

    label: str
    settings: Settings


@dataclass(frozen=True)
class Side:
    """One of those that do the work.

    Attributes
    ----------
    name
        As it is shown.
    script
        Its file in `SIDES`, without the suffix.
    module
        What must be importable for it, such as ``"brian2"``.
    distributions
        Packages whose versions belong to the result; the first is what has to be installed.
    settings
        Beside those of the case.
    interpreter
        ``"own"`` or the name of a peer that may have a Python of its own, such as ``"nest"``.
    at_least
        What is asked for: how much longer than neurosim it takes (or how much more it holds), if anything is.
    limited
        Whether its threads can only be bounded by the processors that it may use.
    quick
        Whether it takes part where only seconds are to pass: not if it compiles for half a minute.
    cases
        The labels of those that it takes part in, quick ones aside; empty for all.
    device
        Where it computes, as torch calls it: a side on ``"cuda"`` is left out where there is no such GPU.
    """

    name: str
    script: str
    module: str = "neurosim"
    distributions: tuple[str, ...] = ()
    settings: Settings = field(default_factory=dict)
    interpreter: str = "own"
    at_least: Mapping[str, float] = field(default_factory=dict)
    limited: bool = False
    quick: bool = True
    cases: tuple[str, ...] = ()
    device: str = "cpu"


@dataclass(frozen=True)
class Check:
    """Whether a side did the same as ours, and what was found."""

    side: str
    what: str
    ok: bool
    found: str


@dataclass(frozen=True)
class Figure:
    """A number beside the table: a cost for each event, a distance to a limit."""

    what: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None


@dataclass(frozen=True)
class Measured:
    """What a case came to, for its checks and figures: arrays, medians and times to the first result, by side."""

    settings: Settings
    arrays: Mapping[str, Arrays]
    medians: Mapping[str, float]
    machine: Mapping[str, float]
    first: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def _nothing(settings: Settings, file: Path) -> None:
    """Write no arrays."""
    np.savez(file)


def _no_checks(found: Measured) -> Sequence[Check]:
    return ()


def _no_figures(found: Measured) -> Sequence[Figure]:
    return ()


def _no_comparison(cases: Mapping[str, Measured]) -> Sequence[Figure]:
    return ()


@dataclass(frozen=True)
class Benchmark:
    """Work, and who does it.

    Attributes
    ----------
    name
        In the command line.
    summary
        The work in a line.
    cases, quick
        The sizes; those that take seconds.
    sides
        Ours is called `OURS` and comes first.
    write
        Writes the arrays that all sides get, given a case's settings, into an .npz file.
    check
        Holds what the sides computed against ours.
    figures
        Further numbers of one case.
    compare
        Further numbers across cases, by label.
    unit
        Of what ``run()`` returns: ``"s"``, or ``"B"`` for memory.
    threads
        Of every side, unless the command says otherwise.
    repeats
        Runs of every side that count.
    patience
        Seconds that the runs of one side may take together, two runs at the least.
    first_results
        Whether time to the first result, with nothing compiled before and with all of it, is measured too.
    probe
        Whether figures need the machine's own limits (`neurosim.benchmarks.roofline`).
    environment
        Variables of the sides' processes.
    notes
        What a reader has to know, in sentences.
    """

    name: str
    summary: str
    cases: tuple[Case, ...]
    quick: tuple[Case, ...]
    sides: tuple[Side, ...]
    write: Callable[[Settings, Path], None] = _nothing
    check: Callable[[Measured], Sequence[Check]] = _no_checks
    figures: Callable[[Measured], Sequence[Figure]] = _no_figures
    compare: Callable[[Mapping[str, Measured]], Sequence[Figure]] = _no_comparison
    unit: str = "s"
    threads: int = 1
    repeats: int = 7
    patience: float = 30.0
    first_results: bool = True
    probe: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
