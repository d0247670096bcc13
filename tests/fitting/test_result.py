import json

import matplotlib as mpl
import numpy as np
import pytest

from neurosim import Circuit, Trainable, models
from neurosim.errors import AnalysisError
from neurosim.fitting.result import Fit, FittedValue, Score, mean_measure
from neurosim.units import ms, mV

mpl.use("Agg")


def value(fitted: float = 0.02, high: float = 0.05) -> FittedValue:
    return FittedValue("cell.tau_mem", "second", np.array(0.01), np.array(fitted), 0.005, high)


def a_fit(*values: FittedValue) -> Fit:
    circuit = Circuit("one", dt=0.1 * ms)
    model = models.lif(tau_mem=Trainable(20 * ms), v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-60 * mV)
    circuit.population("cell", 1, model)
    scores = (
        Score("fitted", "trial 0", {"recorded": 10, "distance": 0.25}),
        Score("fitted", "trial 1", {"recorded": 20, "distance": 0.75}),
        Score("held out", "trial 2", {"recorded": 12, "gamma": float("nan")}),
    )
    history = tuple({"loss": loss} for loss in [5.0, 1.0, 2.0])
    return Fit(circuit, values or (value(),), scores, history, "gradient", {"seed": 3})


def test_values_have_their_unit() -> None:
    found = a_fit()
    assert found["cell.tau_mem"] == 20 * ms
    with pytest.raises(AnalysisError, match=r"Did you mean 'cell\.tau_mem'"):
        found["cell.tau"]


def test_the_table_shows_both_parts() -> None:
    text = str(a_fit())
    assert "cell.tau_mem  10 ms    20 ms   5 ms to 50 ms" in text
    assert text.count("held out") == 1
    assert "0.75" in text
    assert [score.what for score in a_fit().held_out] == ["trial 2"]


def test_a_value_on_its_limit_is_told() -> None:
    assert value(0.05).at_limit
    assert value(0.005).at_limit
    assert not value().at_limit
    assert "at its limit" in str(a_fit(value(0.05)))


def test_json() -> None:
    content = json.loads(a_fit().to_json())
    assert content["scores"][2] == {
        "part": "held out",
        "what": "trial 2",
        "measures": {"recorded": 12.0, "gamma": None},
    }
    assert content["values"][0]["fitted"] == 0.02
    assert content["settings"] == {"seed": 3}


def test_a_fit_without_a_held_out_score_cannot_be() -> None:
    whole = a_fit()
    with pytest.raises(AnalysisError, match="held out"):
        Fit(whole.circuit, whole.values, whole.fitted, whole.history, "gradient")


def test_the_mean_of_a_measure() -> None:
    assert mean_measure(a_fit().fitted, "distance") == 0.5
    with pytest.raises(AnalysisError, match="no score has 'distanc'"):
        mean_measure(a_fit().fitted, "distanc")


def test_the_figure_shows_the_least_loss() -> None:
    axes = a_fit().plot()
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), [5.0, 1.0, 1.0])


def test_converged() -> None:
    whole = a_fit()
    assert whole.converged  # the last step is no better
    assert not Fit(whole.circuit, whole.values, whole.scores, ({"loss": 2.0}, {"loss": 1.0}), "gradient").converged
