from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot

from neurosim.analysis.sparsity import Cel0, Operations, Soft, operating_points, plots
from neurosim.errors import AnalysisError

matplotlib.use("Agg")
RESPONSES = np.random.default_rng(0).poisson(0.4, (30, 8))
COUNTED = Operations({"a": 10.0}, {}, {}, {"a": 100.0}, {"cells": 5.0}, 1.0)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    pyplot.close("all")


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plots.plot_sparseness(RESPONSES, "gini", ax=ax),
        lambda ax: plots.plot_lorenz(RESPONSES.sum(axis=0), ax=ax),
        lambda ax: plots.plot_operating_points(operating_points(1000, 40, 20, replaced=10), ax=ax),
        lambda ax: plots.plot_operators([Soft(0.5), Cel0(0.5)], step=0.4, ax=ax),
        lambda ax: plots.plot_dictionary(np.eye(9), columns=2, ax=ax),
        lambda ax: plots.plot_energy(COUNTED, ax=ax),
    ],
    ids=["sparseness", "lorenz", "points", "operators", "dictionary", "energy"],
)
def test_plots_draw_into_what_they_are_given(draw: Any) -> None:
    axes = pyplot.subplots()[1]
    assert draw(axes) is axes
    assert axes.has_data()
    other = draw(None)
    assert other is not axes
    other.figure.canvas.draw()


def test_lorenz_curve_encloses_the_gini_index() -> None:
    rates = RESPONSES.sum(axis=0)
    x, y = plots.plot_lorenz(rates).lines[1].get_data()
    from neurosim.analysis.sparsity import gini

    assert 1 - 2 * np.trapezoid(y, x) == pytest.approx(gini(rates))


def test_the_least_error_is_marked() -> None:
    points = operating_points(1000, 40, 20, replaced=10)
    mark = plots.plot_operating_points(points).lines[-1]
    assert mark.get_ydata()[0] == min(point.error for point in points)


def test_energies_are_stacked() -> None:
    axes = plots.plot_energy(COUNTED, ["float32-45nm"])
    assert sum(bar.get_height() for bar in axes.patches) == pytest.approx(COUNTED.energy()["total"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.plot_lorenz(np.zeros(3)), "nothing is active"),
        (lambda: plots.plot_lorenz(np.ones((2, 2))), "one axis"),
        (lambda: plots.plot_dictionary(np.ones((5, 4))), "square patches"),
        (lambda: plots.plot_operating_points([]), "there are none"),
    ],
)
def test_what_cannot_be_drawn(call: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        call()


def test_silent_responses_have_an_empty_figure() -> None:
    assert not plots.plot_sparseness(np.zeros((3, 4))).patches
