from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from models.equations import integrate, slopes
from neurosim.errors import UnitError
from neurosim.units import Mohm, ms, mV, nS, pA

VOLTAGES = {"v_threshold": -50 * mV, "v_reset": -60 * mV, "v_leak": -60 * mV}
PLAIN = {"v_threshold": 1.0, "v_reset": 0.0, "v_leak": 0.0}


def test_the_example_of_the_design() -> None:
    cell = ns.models.lif(
        tau_mem=20 * ms, r=100 * Mohm, **VOLTAGES, tau_ref=5 * ms,
        receptors={"ampa": ns.Exponential(5 * ms, reversal=0 * mV), "gaba": ns.Alpha(10 * ms, reversal=-80 * mV)},
    )  # fmt: skip
    assert cell.equations.splitlines() == [
        "dv/dt = (v_leak - v + r*(ampa*(reversal_ampa - v) + gaba*(reversal_gaba - v) + i_ext))/tau_mem : volt"
        " (unless refractory)",
        "i_ext : amp",
        "dampa/dt = -ampa/tau_ampa : siemens",
        "dgaba/dt = (e*gaba_rise - gaba)/tau_gaba : siemens",
        "dgaba_rise/dt = -gaba_rise/tau_gaba : siemens",
    ]
    assert (cell.threshold, cell.reset, cell.refractory) == ("v > v_threshold", "v = v_reset", "tau_ref")
    assert cell.method == "exponential_euler"
    assert cell.receptors == {"ampa": "ampa", "gaba": "gaba_rise"}
    assert {name: parameter.value for name, parameter in cell.parameters.items()} == pytest.approx(
        {
            "tau_mem": 0.02, "r": 1e8, "v_threshold": -0.05, "v_reset": -0.06, "v_leak": -0.06, "tau_ref": 0.005,
            "tau_ampa": 0.005, "reversal_ampa": 0.0, "tau_gaba": 0.01, "reversal_gaba": -0.08,
        }
    )  # fmt: skip
    assert cell.initial == {"v": "v_leak"}


def test_without_units_without_refractoriness() -> None:
    cell = ns.models.lif(tau_mem=20 * ms, **PLAIN)
    assert cell.equations.splitlines() == ["dv/dt = (v_leak - v + i_ext)/tau_mem : 1", "i_ext : 1"]
    assert cell.refractory is None
    assert cell.method == "exact"


@pytest.mark.parametrize(
    ("r", "voltages", "units"),
    [
        (100 * Mohm, VOLTAGES, {"i_ext": "amp", "current": "amp", "conductance": "siemens"}),
        (None, VOLTAGES, {"i_ext": "volt", "current": "volt", "conductance": "1"}),
        (2.0, PLAIN, {"i_ext": "1", "current": "1", "conductance": "1"}),
    ],
)
def test_units_of_inputs(r: object, voltages: dict[str, object], units: dict[str, str]) -> None:
    reversal = 0.0 if voltages is PLAIN else 0 * mV
    cell = ns.models.lif(
        tau_mem=20 * ms, r=r, **voltages, receptors={"current": 5 * ms, "conductance": ns.Exponential(5 * ms, reversal)}
    )
    assert {name: cell.units[name] for name in units} == units


def test_conductances_pull_towards_their_reversal() -> None:
    cell = ns.models.lif(
        tau_mem=20 * ms, r=100 * Mohm, **VOLTAGES,
        receptors={"ampa": ns.Exponential(5 * ms, reversal=0 * mV), "nmda": 100 * ms},
    )  # fmt: skip
    found = slopes(cell, {"v": -0.055, "ampa": 2e-9, "nmda": 3e-12, "i_ext": 5e-12})
    drive = -0.060 + 0.055 + 1e8 * (2e-9 * 0.055 + 3e-12 + 5e-12)
    assert found["v"] == pytest.approx(drive / 0.02, rel=1e-12)


def test_period_under_a_constant_current() -> None:
    cell = ns.models.lif(tau_mem=20 * ms, r=100 * Mohm, **VOLTAGES)
    solution = integrate(cell, 0.05, threshold=-0.05, i_ext=150e-12)
    assert solution.t_events[0][0] == pytest.approx(0.02 * np.log(15 / (15 - 10)), rel=1e-6)  # 22.0 ms


def test_parameters_may_be_drawn_and_trained() -> None:
    cell = ns.models.lif(
        tau_mem=ns.Trainable(20 * ms, bounds=(5 * ms, 50 * ms)), v_threshold=ns.Normal(-50 * mV, 1 * mV),
        v_reset=-60 * mV, v_leak=-60 * mV,
    )  # fmt: skip
    circuit = ns.Circuit("one", dt=1 * ms, seed=3)
    circuit.population("cells", 100, cell)
    assert list(circuit.trainables()) == ["cells.tau_mem"]
    assert np.std(circuit.parameter("cells", "v_threshold")) == pytest.approx(0.001, rel=0.3)


def test_a_method_may_be_chosen() -> None:
    assert ns.models.lif(tau_mem=20 * ms, **PLAIN, method="rk4").method == "rk4"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"v_reset": 0 * mV}, ["v_reset in volt", "v_threshold, v_leak without a unit"]),
        ({"v_reset": 3 * pA}, ["v_reset (amp)", "voltage"]),
        ({"r": 100 * Mohm}, ["r is in ohm", "plain numbers"]),
        ({**VOLTAGES, "r": 3.0}, ["r must be a resistance", "3.0"]),
        ({**VOLTAGES, "r": 3 * nS}, ["r must be a resistance"]),
        ({"tau_mem": 20.0}, ["tau_mem needs a unit (second)", "20.0"]),
        ({"tau_ref": 5.0}, ["tau_ref needs a unit (second)"]),
        ({"receptors": {"ampa": ns.Exponential(5 * ms, reversal=0 * mV)}}, ["reversal of 'ampa' in volt"]),
        ({**VOLTAGES, "receptors": {"ampa": ns.Exponential(5 * ms, reversal=0.0)}}, ["reversal of 'ampa' without"]),
    ],
)
def test_mixed_units_are_refused(changes: dict[str, object], words: list[str]) -> None:
    with pytest.raises(UnitError) as caught:
        ns.models.lif(**{"tau_mem": 20 * ms, **PLAIN, **changes})
    assert all(word in str(caught.value) for word in ["model 'lif'", *words]), caught.value
