from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.analysis import sparsity, spikes
from neurosim.recording import Recording
from neurosim.units import ms


@pytest.fixture(scope="module")
def runs() -> tuple[Recording, Recording]:
    """Return the same run from either backend."""
    circuit = ns.circuits.build("balanced-network", scale=0.05, seed=1)
    first, second = (
        ns.simulate(circuit, 200 * ms, backend=backend, seed=2, record={"exc": "spikes", "inh": "spikes"})
        for backend in ("brian2", "snntorch")
    )
    return first, second


def test_the_same_run_has_the_same_statistics(runs: tuple[Recording, Recording]) -> None:
    first, second = runs
    assert len(first.spikes["exc"]) > 100
    for measure in (spikes.cv, spikes.cv2, spikes.lv):
        np.testing.assert_array_equal(measure(first, "exc"), measure(second, "exc"))
    for function in (spikes.fano, spikes.count_correlation, spikes.synchrony):
        np.testing.assert_array_equal(function(first, "exc", window=20 * ms), function(second, "exc", window=20 * ms))
    spectra = [spikes.population_spectrum(run, "exc", segment=0.1) for run in runs]
    np.testing.assert_array_equal(spectra[0].power, spectra[1].power)


def test_the_same_run_is_as_sparse(runs: tuple[Recording, Recording]) -> None:
    reports = [sparsity.report(run, population="exc", bin=20 * ms) for run in runs]
    assert reports[0].equals(reports[1])
    assert sparsity.population_sparseness(runs[0], "gini", population="exc", bin=20 * ms).mean > 0.5
