from __future__ import annotations

from math import nan
from typing import Any

import numpy as np
import pytest
import torch

from neurosim.analysis.sparsity import (
    MEASURES,
    LifetimeSparseness,
    PopulationSparseness,
    against_shuffle,
    dead_units,
    gini,
    lifetime_sparseness,
    population_sparseness,
    report,
    treves_rolls,
)
from neurosim.analysis.sparsity.differentiable import DIFFERENTIABLE
from neurosim.errors import AnalysisError
from neurosim.recording import Recording, SpikeTrains

RESPONSES = np.random.default_rng(1).poisson(0.5, size=(20, 6)).astype(float)
RESPONSES[3] = 0.0
RESPONSES[:, 2] = 0.0


def test_each_sample_or_neuron_is_measured_before_the_mean() -> None:
    found = population_sparseness(RESPONSES)
    alone = np.array([treves_rolls(row) for row in RESPONSES])
    assert found.excluded == np.count_nonzero(RESPONSES.sum(axis=1) == 0) >= 1
    assert found.n + found.excluded == 20
    assert found.mean == pytest.approx(np.nanmean(alone))
    np.testing.assert_array_equal(found.values, alone)


@pytest.mark.parametrize("measure", MEASURES)
def test_lifetime_is_population_of_the_transpose(measure: str) -> None:
    lifetime, population = lifetime_sparseness(RESPONSES, measure), population_sparseness(RESPONSES.T, measure)
    assert (lifetime.mean, lifetime.n, lifetime.excluded) == (population.mean, population.n, population.excluded)
    assert (lifetime.form, population.form) == ("lifetime", "population")


def test_neither_form_implies_the_other() -> None:
    disjoint = np.kron(np.eye(5), np.ones((3, 1)))  # one neuron a sample, each neuron in few
    always = np.zeros((15, 5))
    always[:, 0] = np.arange(1, 16)  # the same neuron, in all
    assert population_sparseness(disjoint).mean == pytest.approx(0.2)
    assert population_sparseness(always).mean == pytest.approx(0.2)
    assert lifetime_sparseness(disjoint).mean == pytest.approx(0.2)
    assert lifetime_sparseness(always).mean > 0.7


def test_all_silent() -> None:
    found = population_sparseness(np.zeros((4, 3)), "gini")
    assert np.isnan(found.mean)
    assert (found.n, found.excluded) == (0, 4)
    assert dead_units(np.zeros((4, 3))).mean() == 1
    table = report(np.zeros((4, 3)))
    assert table.loc["active_fraction", "population"] == 0
    assert table.loc["dead_units", "lifetime"] == 1


def test_dead_units() -> None:
    unknown = np.array([[nan, 0.0], [0.0, 1.0]])
    assert dead_units(unknown).tolist() == [True, False]
    assert report(unknown).loc["dead_units"].tolist() == [0.5, 0.5, 0, 0]
    assert dead_units(RESPONSES).tolist() == [False, False, True, False, False, False]


def test_report_holds_every_measure_in_both_forms() -> None:
    table = report(RESPONSES)
    assert list(table.index) == [*MEASURES, "dead_units"]
    for name in MEASURES:
        assert table.loc[name, "population"] == population_sparseness(RESPONSES, name).mean
        assert table.loc[name, "lifetime"] == lifetime_sparseness(RESPONSES, name).mean
        assert table.loc[name, "silent_neurons"] == lifetime_sparseness(RESPONSES, name).excluded
    assert table.loc["dead_units", "lifetime"] == pytest.approx(1 / 6)


def test_recordings_are_binned() -> None:
    spikes = SpikeTrains([0.01, 0.02, 0.13, 0.14], [0, 0, 1, 0], n=3, duration=0.2)
    recording = Recording({"exc": spikes})
    found = population_sparseness(recording, bin=0.1)
    np.testing.assert_allclose(found.values, [1 / 3, 2 / 3])
    assert dead_units(recording, population="exc", bin=0.1).tolist() == [False, False, True]


def test_measures_of_ones_own_and_options() -> None:
    def unbiased(responses: np.ndarray, axis: int) -> Any:
        return gini(responses, axis=axis, unbiased=True)

    assert population_sparseness(np.eye(4), unbiased).mean == 1
    assert population_sparseness(np.eye(4), unbiased).measure == "unbiased"
    assert population_sparseness(-np.eye(4), "gini", negative="magnitude").mean == 0.75


def test_shuffles_keep_what_they_are_to_keep() -> None:
    together = np.zeros((40, 10))
    together[::4] = 1.0  # all neurons at once, or none
    null = against_shuffle(together, "treves_rolls", shuffles=50)
    assert null.obtained == 1.0
    assert null.shuffled.max() < 0.5
    assert null.p == pytest.approx(1 / 51)
    assert against_shuffle(together, "treves_rolls", "lifetime", shuffles=5).shuffled == pytest.approx([0.25] * 5)
    independent = np.random.default_rng(0).poisson(1.0, (60, 10))
    assert against_shuffle(independent, shuffles=99).p > 0.05
    first = against_shuffle(independent, shuffles=5, seed=1).shuffled
    np.testing.assert_array_equal(first, against_shuffle(independent, shuffles=5, seed=1).shuffled)
    assert (first != against_shuffle(independent, shuffles=5, seed=2).shuffled).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: population_sparseness(RESPONSES, "ginny"), "Did you mean 'gini'"),
        (lambda: population_sparseness(np.zeros((0, 3))), "0 samples of 3"),
        (lambda: population_sparseness(np.zeros((3, 0))), "3 samples of 0"),
        (lambda: population_sparseness(np.ones(3)), "matrix"),
        (lambda: population_sparseness(-RESPONSES), "below 0"),
        (lambda: against_shuffle(RESPONSES, form="lifelong"), "Did you mean 'lifetime'"),  # type: ignore[arg-type]
        (lambda: against_shuffle(RESPONSES, shuffles=0), "shuffles"),
        (lambda: LifetimeSparseness("gini"), "all responses at once"),
        (lambda: LifetimeSparseness().compute(), "no responses yet"),
        (lambda: LifetimeSparseness().update(np.ones((2, 3))).update(np.ones((2, 4))), "4 neurons after one of 3"),
        (lambda: PopulationSparseness("gine"), "Did you mean"),
    ],
)
def test_what_cannot_be_said(call: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        call()


@pytest.mark.parametrize("measure", MEASURES)
def test_a_stream_of_batches_is_the_whole(measure: str) -> None:
    stream = PopulationSparseness(measure)
    assert np.isnan(stream.compute().mean)
    for _ in range(2):
        for batch in np.split(RESPONSES, [1, 3, 4, 11]):
            stream.update(batch)
        found, whole = stream.compute(), population_sparseness(RESPONSES, measure)
        assert found.mean == pytest.approx(whole.mean)
        assert (found.n, found.excluded) == (whole.n, whole.excluded)
        stream.reset()


@pytest.mark.parametrize("measure", [name for name in MEASURES if name not in ("gini", "excess_kurtosis")])
def test_a_stream_for_each_neuron_is_the_whole(measure: str) -> None:
    responses = RESPONSES.copy()
    responses[7, 1] = nan
    stream = LifetimeSparseness(measure)
    for _ in range(2):
        for batch in np.split(responses, [2, 9]):
            stream.update(batch)
        np.testing.assert_allclose(
            stream.compute().values, lifetime_sparseness(responses, measure).values, rtol=1e-12, atol=1e-12
        )
        stream.reset()
    single = LifetimeSparseness(measure).update(responses[:1]).compute().values
    np.testing.assert_array_equal(single, lifetime_sparseness(responses[:1], measure).values)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_tensors_give_the_same(name: str) -> None:
    rates = torch.tensor(RESPONSES)
    for dim, form in ((1, population_sparseness), (0, lifetime_sparseness)):
        np.testing.assert_allclose(DIFFERENTIABLE[name](rates, dim=dim), form(RESPONSES, name).values, atol=1e-12)
    assert DIFFERENTIABLE[name](torch.zeros(2, 3), silent=0.5).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients(name: str) -> None:
    rates = torch.tensor([[4.0, 1.0, 0.5, 0.2], [0.1, 0.3, 2.0, 0.7]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: DIFFERENTIABLE[name](x), rates)
    silent = torch.zeros(2, 3, requires_grad=True)
    DIFFERENTIABLE[name](silent, silent=0.0).sum().backward()
    assert silent.grad is not None
    assert not silent.grad.any()  # and not NaN


@pytest.mark.parametrize("name", ["vinje_gallant", "hoyer"])
def test_a_tensor_of_one_value_has_none(name: str) -> None:
    assert DIFFERENTIABLE[name](torch.ones(2, 1)).isnan().all()
