"""Units, dimensions and names known without Brian2 are those of Brian2."""

from __future__ import annotations

import ast

import numpy as np
import pytest
from brian2.core.namespace import DEFAULT_UNITS
from brian2.equations.equations import Equations, dimensions_and_type_from_string
from hypothesis import given
from hypothesis import strategies as st

from neurosim.program.discretise import brian2_name
from neurosim.unit_table import NONE, dimension_by_table, names_of_dimensions, units
from neurosim.units import dimension_of, text_of_dimension, unit_names, unit_value

UNSCALED = ("volt", "amp", "second", "metre", "kilogram", "siemens", "farad", "mole", "Hz", "radian", "1")


def exponents(dimension: object) -> tuple[float, ...]:
    return tuple(float(power) for power in dimension._dims)  # type: ignore[attr-defined]


def test_every_unit() -> None:
    assert units().keys() == DEFAULT_UNITS.keys()
    for name, unit in DEFAULT_UNITS.items():
        assert (unit_value(name)[0], units()[name][1]) == (float(np.asarray(unit)), exponents(unit.dim)), name
    assert unit_names() == DEFAULT_UNITS.keys()


@pytest.mark.parametrize("name", sorted(DEFAULT_UNITS))
def test_what_may_stand_in_a_unit_text(name: str) -> None:
    try:
        expected = exponents(dimensions_and_type_from_string(name)[0])
    except ValueError:
        expected = None
    assert dimension_by_table(ast.Name(name)) == expected


FACTORS = st.tuples(st.sampled_from(UNSCALED), st.sampled_from("*/"), st.integers(-3, 3))


@given(st.sampled_from(UNSCALED), st.lists(FACTORS, max_size=4))
def test_products_of_powers(first: str, factors: list[tuple[str, str, int]]) -> None:
    text = first
    for name, operation, power in factors:
        text += f" {operation} {name}" + ("" if power == 1 or name == "1" else f"**{power}")
    found = dimension_by_table(ast.parse(text, mode="eval").body)
    try:
        expected = exponents(dimensions_and_type_from_string(text)[0])
    except ValueError:
        assert found is None
        return
    assert found is None or found == expected
    assert dimension_of(text_of_dimension(expected)) == expected


@pytest.mark.parametrize("text", ["1", "volt*second", "1/second", "siemens/metre**2", "second**-0.5", "volt/amp*metre"])
def test_usual_texts_need_no_brian2(text: str) -> None:
    assert dimension_by_table(ast.parse(text, mode="eval").body) == dimension_of(text)


def test_names_of_dimensions() -> None:
    for dimension, text in names_of_dimensions().items():
        assert text_of_dimension(dimension) == text
        assert dimension_of(text) == dimension
    assert names_of_dimensions()[NONE] == "1"


NAMES = [
    "v", "tau_mem", "i", "N", "t", "dt", "xi", "xi_1", "t_in_timesteps", "refractory", "not_refractory", "lambda", "e",
    "pi", "inf", "exp", "poisson", "rand", "clip", "volt", "mV", "usiemens2", "liter", "spikespace", "refractory_until",
    "v_", "v2", "I_ext", "mS", "True", "class",
]  # fmt: skip


@given(st.one_of(st.sampled_from(NAMES), st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True)))
def test_names_that_brian2_refuses(name: str) -> None:
    try:
        Equations.check_identifier(name)
        refused = name in ("N", "spikespace")
    except (SyntaxError, ValueError, KeyError):
        refused = name not in ("t", "dt", "lastspike", "not_refractory", "i")
    kept = brian2_name(name) == name
    assert kept != refused or name in ("t", "dt", "xi", "lastspike", "not_refractory", "i")
