from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.circuit.vector_field import vector_field
from neurosim.errors import EquationError, UnitError
from neurosim.units import ms, mV, nA

FITZHUGH = ns.NeuronModel(
    "dv/dt = (v - v**3/3 - w + drive)/tau : 1\ndw/dt = eps*(slope + 0.7)/tau : 1\nslope = v - 0.8*w : 1\ndrive : 1",
    parameters={"tau": 1 * ms, "eps": 0.08},
    method="rk4",
)


def test_against_the_equations_by_hand() -> None:
    v, w = np.meshgrid(np.linspace(-2, 2, 5), np.linspace(-1, 1, 3))
    field = vector_field(FITZHUGH, {"v": v, "w": w}, held={"drive": 0.5})
    assert np.allclose(field["v"], (v - v**3 / 3 - w + 0.5) / 1e-3)
    assert np.allclose(field["w"], 0.08 * (v - 0.8 * w + 0.7) / 1e-3)
    assert np.allclose(vector_field(FITZHUGH, {"v": v, "w": w}, parameters={"eps": 0.0})["w"], 0)


def test_units_inputs_and_library_models() -> None:
    model = ns.models.adaptive_exponential()
    rest = vector_field(model, {"v": -70.6e-3, "w_adapt": 0.0})
    pushed = vector_field(model, {"v": -70.6e-3, "w_adapt": 0.0}, held={"i_ext": 1 * nA})
    assert float(rest["w_adapt"]) == pytest.approx(0.0, abs=1e-20)
    assert float(pushed["v"] - rest["v"]) == pytest.approx(1e-9 / 281e-12)  # the membrane's 281 pF


def test_noise_is_left_out_and_unit_names_are_known() -> None:
    model = ns.NeuronModel(
        "dv/dt = (-60*mV - v)/tau + 2*mV*xi*tau**-0.5 : volt", parameters={"tau": 10 * ms}, method="euler"
    )
    assert float(vector_field(model, {"v": np.array(-0.05)})["v"]) == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("points", "more", "error", "message"),
    [
        ({"v": 0.0, "w": 0.0}, {"held": {"drvie": 1.0}}, EquationError, "Did you mean 'drive'"),
        ({"v": 0.0, "w": 0.0}, {"held": {"drive": 1 * mV}}, UnitError, "plain number"),
        ({"slope": 0.0}, {}, EquationError, "'slope' has no differential equation"),
        ({"v": 0.0}, {}, EquationError, "'w' has no value here"),
    ],
)
def test_what_cannot_be_evaluated(points: Any, more: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        vector_field(FITZHUGH, points, **more)


def test_random_functions_have_no_single_value() -> None:
    model = ns.NeuronModel("dv/dt = (rand() - v)/tau : 1", parameters={"tau": 1 * ms}, method="euler")
    with pytest.raises(EquationError, match="no single value"):
        vector_field(model, {"v": 0.0})
