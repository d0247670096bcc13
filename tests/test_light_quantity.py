"""Quantities before Brian2 is loaded equal Brian2's bit for bit, and give way to them."""

from __future__ import annotations

import copy
import operator
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import brian2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.light_quantity import LightQuantity, light_unit
from neurosim.unit_table import units
from neurosim.units import is_quantity, to_si, unit_of

NAMES = ("mV", "volt", "ms", "second", "nS", "cm", "um", "pF", "uF", "nA", "Mohm", "Hz", "kHz", "mM", "psiemens")
NUMBERS = (1, 2, 3, 0.7, 0.03, 0.125, 60 * 0.27 / 10, -9, 1.0, 5e-3)
LIGHT = {name: light_unit(*units()[name], name) for name in NAMES}
BRIAN2 = {name: getattr(brian2, name) for name in NAMES}
leaves = st.sampled_from((*NAMES, *NUMBERS))
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(("mul", "truediv")), inner, inner),
        st.tuples(st.just("pow"), st.sampled_from(NAMES), st.sampled_from((2, 3, -1, 1))),
    ),
    max_leaves=5,
)
SIMULATES = """
import sys
import neurosim as ns
from neurosim import circuits
from neurosim.units import ms

recording = ns.simulate(circuits.build("balanced-network", scale=0.1), 50 * ms, backend="snntorch")
print(sorted({"brian2", "sympy", "torch", "matplotlib"} & set(sys.modules)), len(recording.spikes["exc"]))
"""


@pytest.fixture(scope="module", autouse=True)
def before() -> Iterator[None]:
    """Compute as before Brian2 is loaded."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("neurosim.light_quantity.brian2_is_loaded", lambda: False)
        yield


@pytest.fixture
def after(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute as afterwards."""
    monkeypatch.setattr("neurosim.light_quantity.brian2_is_loaded", lambda: True)


class LeftToBrian2(Exception):
    """Brian2 was asked, and is loaded from then on."""


def computed(tree: Any, names: dict[str, Any]) -> Any:
    if isinstance(tree, tuple):
        operation, first, second = tree
        found = getattr(operator, operation)(computed(first, names), computed(second, names))
        if names is LIGHT and type(found) not in (LightQuantity, int, float):
            raise LeftToBrian2
        return found
    return names[tree] if isinstance(tree, str) else tree


@given(trees)
def test_the_bits_and_units_of_brian2(tree: Any) -> None:
    expected = computed(tree, BRIAN2)
    try:
        found = computed(tree, LIGHT)
    except LeftToBrian2:
        return
    if type(found) is LightQuantity:
        assert found.value == float(np.asarray(expected))
        assert found.exponents == tuple(float(power) for power in expected.dim._dims)
        assert isinstance(found.full, type(expected))
        assert (found.scale is not None) == isinstance(expected, brian2.Unit)
    else:
        assert type(found) is type(expected)
    assert repr(found) == repr(expected)


def test_sums() -> None:
    mv, ms = LIGHT["mV"], LIGHT["ms"]
    found = 3 * mv - -mv + LIGHT["volt"]
    assert type(found) is LightQuantity
    assert found.value == 0.003 - -0.001 + 1.0
    with pytest.raises(brian2.DimensionMismatchError):
        3 * mv + ms
    assert type(3 * mv + 2 * brian2.mV) is brian2.Quantity
    assert 2 * brian2.mV + 3 * mv == 5 * brian2.mV
    assert +(2 * mv) == 2 * brian2.mV


def test_everything_else_is_that_of_brian2() -> None:
    five = 5 * LIGHT["mV"]
    assert five == 5 * brian2.mV
    assert five > 4 * LIGHT["mV"]
    assert hash(LIGHT["mV"]) == hash(brian2.mV)
    assert str(five) == str(5 * brian2.mV) == f"{five}"
    assert abs(-five) == 5 * brian2.mV
    assert bool(five)
    assert five.in_unit(brian2.mV) == "5. mV"
    assert np.array_equal(np.linspace(0 * LIGHT["mV"], five, 3), np.linspace(0 * brian2.mV, 5 * brian2.mV, 3))
    assert isinstance([1, 2] * five, brian2.Quantity)
    assert ([1, 2] * five).dim is brian2.volt.dim
    assert (np.ones(2) * five).dim is brian2.volt.dim
    assert np.sqrt(five * five) == 5 * brian2.mV
    assert float(five / LIGHT["mV"]) == 5.0
    assert np.asarray(five) == 0.005
    assert not hasattr(five, "tocoo")
    assert hasattr(five, "has_same_dimensions")


@pytest.mark.usefixtures("after")
def test_what_is_computed_afterwards_is_of_brian2() -> None:
    assert type(3 * LIGHT["mV"]) is brian2.Quantity
    assert type(1 / LIGHT["ms"]) is brian2.Unit
    assert isinstance(LIGHT["mV"], brian2.Unit)


def test_brian2_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    tau, start = 10 * LIGHT["ms"], -0.06 * LIGHT["volt"]
    monkeypatch.setattr("neurosim.light_quantity.brian2_is_loaded", lambda: True)
    assert isinstance(tau, brian2.Quantity)
    assert isinstance(np.asanyarray(start), brian2.Quantity)
    assert np.array_equal(np.asarray(start, dtype=np.float32), np.float32(-0.06))
    group = brian2.NeuronGroup(2, "dv/dt = -v/tau : volt", method="exact", namespace={"tau": tau}, dt=0.1 * LIGHT["ms"])
    group.v = start
    brian2.Network(group).run(1 * LIGHT["ms"], namespace={})
    assert np.allclose(group.v / brian2.volt, -0.06 * np.exp(-0.1))


def test_copies_and_pickles() -> None:
    for quantity in (3 * LIGHT["mV"], LIGHT["nS"] / LIGHT["cm"] ** 2):
        assert copy.deepcopy(quantity) is quantity
        again = pickle.loads(pickle.dumps(quantity))
        assert type(again) is LightQuantity
        assert repr(again) == repr(quantity)


def test_neurosim_takes_them() -> None:
    five = 5 * LIGHT["mV"]
    assert is_quantity(five)
    assert unit_of(five) == "volt"
    assert to_si(five, "volt", "x") == 0.005
    assert np.array_equal(to_si([five, 2 * brian2.mV], "volt", "x"), [0.005, 0.002])


def test_a_known_circuit_is_simulated_without_brian2() -> None:
    said = [subprocess.run([sys.executable, "-c", SIMULATES], check=True, capture_output=True, text=True).stdout]
    said.append(subprocess.run([sys.executable, "-c", SIMULATES], check=True, capture_output=True, text=True).stdout)
    assert said[1].startswith("[] ")  # its equations were solved before
    assert said[0].rpartition("]")[2] == said[1].rpartition("]")[2]
