"""Published numbers about sparse patterns beside theory, and beside what segments of a circuit do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis import sparsity
from neurosim.backends import compile as compile_circuit
from neurosim.circuits.dendritic_segments.circuit import (
    NAME,
    PROGRAMME,
    SEGMENTS_AFTER,
    build,
    stored_patterns,
    with_noise,
)
from neurosim.experiments import Measured, Reproduction, Row
from neurosim.random import Stream
from neurosim.units import ms

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Effect of the number of cells on false positives (24 synapses, threshold 12), as published: active cells, and (cells,
#: probability).
EFFECT_OF_CELLS = {
    64: ((300, 1.09462e-3), (1100, 8.36247e-10), (4100, 1.66259e-16), (19900, 1.07500e-24)),
    128: ((300, 0.292078), (1100, 2.99642e-6), (4100, 1.00649e-12)),
    256: ((500, 0.629373), (1100, 3.50550e-3), (4100, 3.76438e-9)),
}
#: Half of 128 active cells replaced, segments of 30 synapses: (threshold, probability of a miss) as simulated there.
SIMULATED_NOISE = ((8, 7.358e-4), (12, 0.0716827), (16, 0.582524))
#: Five digits are published.
_DIGITS = 3e-5


def answers(
    shown: NDArray[np.bool_], *, backend: str = "brian2", options: Mapping[str, Any] | None = None, **constants: Any
) -> NDArray[np.bool_]:
    """Show patterns to the circuit, one a step.

    Parameters
    ----------
    shown : numpy.ndarray of bool, shape (shown, cell)
        The patterns.
    backend, options
        As for ``neurosim.compile``.
    **constants
        Arguments of :func:`~neurosim.circuits.dendritic_segments.circuit.build`.

    Returns
    -------
    numpy.ndarray of bool, shape (shown, segment)
        Which segments answered to which.
    """
    circuit = build(cells=shown.shape[1], **constants)
    steps = len(shown) + SEGMENTS_AFTER
    drive = np.zeros((steps, 1, shown.shape[1]))
    drive[: len(shown), 0] = shown
    run = compile_circuit(circuit, backend=backend, **(options or {})).run(
        steps * ms, inputs={PROGRAMME: drive}, record={"segments": "spikes"}
    )
    trains = run.spikes["segments"]
    answered = np.zeros((steps, trains.n), dtype=bool)
    answered[trains.to_steps(1e-3), trains.neurons] = True
    return answered[SEGMENTS_AFTER:]


def reproduce(*, quick: bool, backend: str, options: Mapping[str, Any]) -> Reproduction:
    """Compare published values with the formulas, and published trials with the circuit's; learn two dictionaries.

    Parameters
    ----------
    quick
        Show fewer patterns, learn from fewer patches.
    backend, options
        What runs the circuit.
    """
    rows = []
    for active, values in EFFECT_OF_CELLS.items():
        for cells, value in values:
            obtained = float(sparsity.false_positive(cells, active, 24, 12))
            rows.append(Row(f"false positives, {cells} cells, {active} active", value, obtained, _DIGITS * value))
    for patterns, value in ((1, 1.00140e-5), (2, 0.0473895), (3, 0.501650)):
        obtained = float(sparsity.union_false_positive(1000, 200, 25, 15, patterns))
        rows.append(Row(f"false positives, {patterns} patterns on one segment", value, obtained, _DIGITS * value))
    rows.append(Row("lowest threshold with a median of false positives below 1e-9", 10, _median_threshold()))
    segments = 100
    shown = sparsity.draw_patterns(300, 64, 2000 if quick else 10_000, Stream(1, NAME))
    found = answers(
        shown, active=64, synapses=24, threshold=12, patterns=segments, replaced=0, backend=backend, options=options
    )
    measured_positive = float(found.mean())
    spread = 2e-4 if quick else 1e-4
    rows.append(Row("false positives by trial, 300 cells, 64 active", 1.09318e-3, measured_positive, spread))
    for threshold, value in SIMULATED_NOISE[1:]:
        missed = _missed(threshold, segments, 20 if quick else 100, backend, options)
        rows.append(
            Row(f"misses by trial, half replaced, threshold {threshold}", value, missed, 0.03 if quick else 0.015)
        )
    printed = float(sparsity.false_positive(200_000, 2000, 20, 10))
    ratio, few = _learned(quick)
    measured = (
        Measured(
            "false positives, 200,000 cells, 2,000 active, 20 synapses, threshold 10",
            f"{printed:.3e} (1.6e-18 in print)",
        ),
        Measured(
            "error of l1 over that of CEL0 at equal activity",
            f"{ratio:.1f} with {few} units, pictures of leaves (published: about 5, photographs, 1,000 units)",
        ),
    )

    def draw() -> Figure:
        return figure(measured_positive)

    return Reproduction(NAME, tuple(rows), draw=draw, measured=measured)


def _median_threshold() -> int:
    """Return the threshold at which the median over the grid of the figure falls below 1e-9."""
    cells, share, synapses = np.meshgrid(
        np.arange(1000, 17_001, 4000), np.linspace(0.005, 0.03, 6), np.arange(20, 51, 5), indexing="ij"
    )
    active = np.rint(cells * share)
    return next(
        threshold
        for threshold in range(1, 21)
        if np.median(sparsity.false_positive(cells, active, synapses, threshold)) < 1e-9
    )


def _missed(threshold: int, segments: int, repeats: int, backend: str, options: Mapping[str, Any]) -> float:
    """Show every stored pattern with half of its cells replaced, several times; return how often its segment misses."""
    sizes: dict[str, Any] = {"active": 128, "patterns": segments}
    stored = stored_patterns(cells=600, seed=0, **sizes)
    noise = Stream(2, NAME)
    shown = np.concatenate([with_noise(stored, 64, noise.child(str(number))) for number in range(repeats)])
    found = answers(
        shown, synapses=30, threshold=threshold, replaced=0, seed=0, backend=backend, options=options, **sizes
    )
    own = np.tile(np.arange(segments), repeats)
    return 1.0 - float(found[np.arange(own.size), own].mean())


def _learned(quick: bool) -> tuple[float, int]:
    """Return the error of l1 over that of CEL0 on patches that were not seen, and with how many units."""
    images = sparsity.whiten(_pictures(6 if quick else 16))
    units = 64 if quick else 256
    patches, unseen = sparsity.cut_patches(images[:-2], 20_000, 8, seed=1), sparsity.cut_patches(images[-2:], 300, 8)
    errors = []
    for penalty in (sparsity.Soft(0.3), sparsity.Cel0(0.08)):
        learned = sparsity.learn(
            patches, units, penalty, batches=60 if quick else 300, batch_size=100, rate=5.0, active=6
        )
        code = sparsity.weight_for(6, unseen, learned.columns, learned.penalty)[1]
        errors.append(code.relative_error(unseen))
    return errors[0] / errors[1], units


def _pictures(count: int) -> NDArray[np.float64]:
    from neurosim.datasets import dead_leaves

    return np.asarray(dead_leaves(count, 128))


def figure(measured: float) -> Figure:
    """Draw false positives over the number of cells, and the error of both neurons over the number of patterns.

    Parameters
    ----------
    measured
        What the circuit with 300 cells, 64 of them active, showed.
    """
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(10.0, 3.8), layout="constrained")
    left, right = drawn.subplots(1, 2)
    cells = np.unique(np.geomspace(300, 20_000, 60).astype(int))
    for active, values in EFFECT_OF_CELLS.items():
        line = left.plot(cells, sparsity.false_positive(cells, active, 24, 12), label=f"{active} active")[0]
        left.plot(*zip(*values, strict=True), "o", mfc="none", color=line.get_color())
    left.plot(cells, sparsity.false_positive(cells, cells // 2, 24, 12), "k--", lw=1.0, label="half active")
    left.plot(300, measured, "kx", label="circuit")
    left.set(xscale="log", yscale="log", xlabel="cells", ylabel="false positives (circles: published)", ylim=(1e-25, 3))
    stored = np.unique(np.geomspace(1, 1000, 25).astype(int))
    for dendrites, label in ((True, "active dendrites"), (False, "all synapses added up")):
        points = [
            sparsity.best_threshold(5000, 100, 24, replaced=40, patterns=int(number), dendrites=dendrites)
            for number in stored
        ]
        right.plot(stored, [point.error for point in points], label=label)
    right.set(xscale="log", yscale="log", xlabel="stored patterns", ylabel="error at the best threshold")
    for axes in (left, right):
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    return drawn
