"""Representations compared, beside the packages that do the same: rsatoolbox, Elephant, and numpy for correlations.

Dissimilarities of 1,000 units under 300 conditions, their comparison, models against eight subjects with 1,000 draws of
conditions and subjects; alignment and correlations of 1,000 units over 10,000 times. Both sides take turns, the median
counts, and a check says that they agree. Counts are Poisson's, of mean 1 (dense) and 0.02 (sparse); Elephant has them
binned already. rsatoolbox and Elephant are no requirements of neurosim: install them to see their sides. Of the
resampling rsatoolbox does a twentieth, and its time is multiplied by twenty.

    python benchmarks/representation.py
    python benchmarks/representation.py --units 200 --conditions 60 --times 2000 --resamples 50 --json
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import json
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from neurosim.analysis.representation import cka, compare_models, compare_rdms, rdm, unit_correlations
from neurosim.analysis.spikes import count_correlation

SUBJECTS = 8
FEWER = 20  # rsatoolbox draws one in so many, and its time is multiplied: it takes minutes otherwise
Ways = dict[str, Callable[[], Any]]


def tasks(units: int, conditions: int, times: int, resamples: int) -> dict[str, Ways]:
    """Return what is measured: for each task, who does it how."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(conditions, units))
    models = {"right": rdm(x + draw.normal(size=x.shape)), "wrong": rdm(draw.normal(size=x.shape))}
    subjects = np.stack([rdm(x + draw.normal(size=x.shape)) for _ in range(SUBJECTS)])
    long, other = draw.normal(size=(times, units)), draw.normal(size=(times, units))
    found: dict[str, Ways] = {
        "squared distances": {"neurosim": lambda: rdm(x)},
        "correlation distances": {"neurosim": lambda: rdm(x, "correlation")},
        "comparison, Spearman": {"neurosim": lambda: compare_rdms(models["right"], subjects, "spearman")},
        "comparison, tau-a": {"neurosim": lambda: compare_rdms(models["right"], subjects, "tau_a")},
        "comparison, whitened cosine": {"neurosim": lambda: compare_rdms(models["right"], subjects, "whitened_cosine")},
        "models, cosine, resampled": {
            "neurosim": lambda: compare_models(models, subjects, "cosine", resamples=resamples).scores[0]
        },
        "models, Spearman, resampled": {
            "neurosim": lambda: compare_models(models, subjects, "spearman", resamples=resamples).scores[0]
        },
        "linear alignment": {
            "neurosim": lambda: cka(long, other, debiased=False),
            "Gram matrices in numpy": lambda: gram_alignment(long, other),
        },
        "correlations of units": {
            "neurosim": lambda: unit_correlations(long, long),
            "numpy.corrcoef": lambda: np.corrcoef(long, rowvar=False),
        },
    }
    for name, mean in (("dense", 1.0), ("sparse", 0.02)):
        counts = draw.poisson(mean, size=(times, units)).astype(np.float64)
        found[f"correlations of {name} counts"] = {
            "neurosim": lambda counts=counts: count_correlation(counts),
            "numpy.corrcoef": lambda counts=counts: np.corrcoef(counts, rowvar=False),
        }
        if importlib.util.find_spec("elephant") is not None:
            add_elephant(found[f"correlations of {name} counts"], counts)
    if importlib.util.find_spec("rsatoolbox") is not None:
        add_rsatoolbox(found, x, models, subjects, resamples)
    return found


def gram_alignment(x: np.ndarray, y: np.ndarray) -> float:
    """Return linear alignment as it is written down, by matrices over pairs of times."""
    grams = []
    for side in (x, y):
        moved = side - side.mean(0)
        grams.append(moved @ moved.T)
    return float(np.sum(grams[0] * grams[1]) / np.linalg.norm(grams[0]) / np.linalg.norm(grams[1]))


def add_elephant(ways: Ways, counts: np.ndarray) -> None:
    """Give correlations of counts Elephant's side."""
    import quantities
    from elephant.conversion import BinnedSpikeTrain
    from elephant.spike_train_correlation import correlation_coefficient

    binned = BinnedSpikeTrain(counts.T, bin_size=0.1 * quantities.s, t_start=0 * quantities.s)
    ways["Elephant"] = lambda: correlation_coefficient(binned)


def add_rsatoolbox(found: dict[str, Ways], x: np.ndarray, models: Any, subjects: np.ndarray, resamples: int) -> None:
    """Give the tasks that rsatoolbox knows its side."""
    import rsatoolbox as toolbox

    data = toolbox.data.Dataset(x)
    right, rows = toolbox.rdm.RDMs(models["right"][None]), toolbox.rdm.RDMs(subjects)
    fixed = [toolbox.model.ModelFixed(name, toolbox.rdm.RDMs(one[None])) for name, one in models.items()]

    draws = max(2, resamples // FEWER)

    def resampled(method: str) -> Any:
        # Conditions and subjects together, which is one of the three sets of draws that neurosim takes; no ceilings.
        with contextlib.redirect_stderr(io.StringIO()):  # it draws a bar of progress
            return toolbox.inference.eval_bootstrap(fixed, rows, method=method, N=draws, boot_noise_ceil=False)

    name = "rsatoolbox"
    found["squared distances"][name] = lambda: toolbox.rdm.calc_rdm(data, "euclidean").dissimilarities[0]
    found["correlation distances"][name] = lambda: toolbox.rdm.calc_rdm(data, "correlation").dissimilarities[0]
    for task, method in (("Spearman", "spearman"), ("tau-a", "tau-a"), ("whitened cosine", "cosine_cov")):
        found[f"comparison, {task}"][name] = lambda method=method: toolbox.rdm.compare(right, rows, method)[0]
    found["models, cosine, resampled"][name] = lambda: resampled("cosine")
    found["models, Spearman, resampled"][name] = lambda: resampled("spearman")


def measure(ways: Ways, repeats: int, longest: float) -> dict[str, float]:
    """Return the median seconds of each way; what takes longer than `longest` seconds is timed once."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(repeats + 1):
        for name, way in ways.items():
            if seconds[name] and max(seconds[name]) > longest:
                continue
            start = time.perf_counter()
            way()
            passed = time.perf_counter() - start
            if repeat or passed > longest:  # the first round compiles and warms up
                seconds[name].append(passed)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def scaled(task: str, taken: dict[str, float], resamples: int) -> dict[str, float]:
    """Return seconds for all resamples, of which rsatoolbox drew a part."""
    factor = resamples / max(2, resamples // FEWER) if "resampled" in task else 1.0
    return {name: seconds * (factor if name == "rsatoolbox" else 1.0) for name, seconds in taken.items()}


def agree(ways: Ways) -> bool | None:
    """Tell whether both sides give the same numbers, where these do not depend on what was drawn."""
    values = [np.asarray(way()) for way in ways.values()]
    if len(values) < 2 or any(other.shape != values[0].shape for other in values):
        return None
    return all(np.allclose(values[0], other, atol=1e-6) for other in values[1:])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=1000, help="(default: 1000)")
    parser.add_argument("--conditions", type=int, default=300, help="(default: 300)")
    parser.add_argument("--times", type=int, default=10_000, help="(default: 10000)")
    parser.add_argument("--resamples", type=int, default=1000, help="(default: 1000)")
    parser.add_argument("--repeats", type=int, default=5, help="of each way (default: 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # of packages that are no part of this one
    found = {}
    for task, ways in tasks(arguments.units, arguments.conditions, arguments.times, arguments.resamples).items():
        taken = scaled(task, measure(ways, arguments.repeats, longest=20.0), arguments.resamples)
        same = None if "resampled" in task else agree(ways)
        found[task] = {"seconds": taken, "agree": same}
        if not arguments.json:
            print(line(task, taken, same), flush=True)
    if arguments.json:
        print(json.dumps(found))


def line(task: str, taken: dict[str, float], same: bool | None) -> str:
    """Return one line of the table."""
    ours = taken["neurosim"]
    parts = [f"{task:28s} {ours * 1e3:10.1f} ms"]
    for name, seconds in taken.items():
        if name != "neurosim":
            parts.append(f"{name} {seconds * 1e3:.1f} ms: {seconds / ours:.1f} x as long")
    if same is not None:
        parts.append("same values" if same else "OTHER VALUES")
    return "; ".join(parts)


if __name__ == "__main__":
    main()
