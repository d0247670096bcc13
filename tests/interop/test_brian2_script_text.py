"""Whatever a circuit holds, its script holds it as a value: nothing of a circuit becomes code."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.circuit.files import from_dict, to_dict
from neurosim.interop.brian2_script import literals
from neurosim.interop.brian2_script.script import brian2_script
from neurosim.units import ms, mV, quantity

HOSTILE = "\"\"\"'''\nimport os; os.abort()\r\\N{DIGIT ONE}\u2028x = 1 # {arrays} %s é\x00"


def tokens(text: str) -> list[tokenize.TokenInfo]:
    return list(tokenize.generate_tokens(io.StringIO(text).readline))


def test_hostile_names_stay_values(tmp_path: Path) -> None:
    """A script of hostile names has the tokens of the same circuit with harmless ones, comments apart."""
    texts = []
    for name in (HOSTILE, "harmless"):
        circuit = ns.Circuit(name, dt=0.1 * ms)
        model = ns.NeuronModel(
            "dv/dt = -v/tau : 1  # \"\"\" import os", parameters={"tau": 5 * ms}, threshold="v > 1", reset="v = 0",
            name=name,
        )  # fmt: skip
        circuit.population("p", 2, model, labels=[name, f"{name}2"])
        circuit.connect("p", "p", ns.AllToAll(), synapse=ns.SynapseModel(on_pre="v_post += w", name=name), weight=0.1)
        texts.append(brian2_script(circuit, 1 * ms, inputs=None, seed=0, statements="exact")[0])
        assert texts[-1].isascii()
    kept = [[t.string for t in tokens(text) if t.type not in (tokenize.COMMENT, tokenize.NL)] for text in texts]
    assert kept[0] == kept[1]
    assert "os.abort" in texts[0]


def with_text(data: Any, old: str, new: str) -> Any:
    """Return JSON data with every key and value that is one text replaced by another."""
    if isinstance(data, dict):
        return {with_text(key, old, new): with_text(value, old, new) for key, value in data.items()}
    if isinstance(data, list):
        return [with_text(value, old, new) for value in data]
    return new if isinstance(data, str) and data == old else data


def texts_in(data: Any) -> set[str]:
    """Return every text in JSON data."""
    if isinstance(data, dict):
        return set(data).union(*map(texts_in, data.values()))
    if isinstance(data, list):
        return set().union(*map(texts_in, data))
    return {data} if isinstance(data, str) else set()


def test_hostile_circuit_files_are_refused_or_stay_values() -> None:
    """Each text of a circuit file in turn: what is not refused leaves nothing but comments and literals."""
    circuit = ns.Circuit("c", dt=0.1 * ms)
    equations = "dv/dt = -v/tau : 1\nq : volt\ntwice = 2*v : 1"
    model = ns.NeuronModel(equations, parameters={"tau": 5 * ms}, threshold="v > 1", reset="v = 0", name="kind")
    circuit.population("pop", 2, model, labels=["first", "second"])
    circuit.connect("pop", "pop", ns.AllToAll(), synapse=ns.SynapseModel(on_pre="v_post += w"), weight=0.1)
    circuit.inject("drive", "pop", "q", ns.Step(1 * mV))
    arrays: dict[str, np.ndarray] = {}
    data = to_dict(circuit, arrays)
    outcomes = []
    for old in sorted(texts_in(data)):
        for new in ('x"] = os.abort() #', '"""\nos.abort()\n"""', "v\nos.abort()", f"{old}\nos.abort()"):
            try:
                changed = from_dict(with_text(data, old, new), arrays)
                text, _ = brian2_script(changed, 1 * ms, inputs=None, seed=0, statements="native")
            except (ns.NeurosimError, KeyError, TypeError, ValueError):
                outcomes.append("refused")
                continue
            outcomes.append("inert")
            names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
            assert "os" not in names, (old, new)
    assert outcomes.count("inert") >= 8, "names of circuit and model, labels"
    assert outcomes.count("refused") > 100


@pytest.mark.parametrize("text", [HOSTILE, "a\nb", 'say "no"', "back\\slash", "\n\n", "", "plain", "é\nü", '"""\n"""'])
def test_texts_are_literals_of_themselves(text: str) -> None:
    assert ast.literal_eval(literals.quoted(text)) == text
    lines = [line.strip() for line in ast.literal_eval(literals.block(text, "    ")).splitlines()]
    assert [line for line in lines if line] == [line.strip() for line in text.splitlines() if line.strip()]
    assert [token.type for token in tokens(literals.comment(text))][:1] == [tokenize.COMMENT]
    assert len(tokens(literals.comment(text))) == 3


@pytest.mark.parametrize(
    "unit", ["second", "volt", "siemens", "1", "siemens/metre**2", "second**-0.5", "hertz", "candle"]
)
def test_values_keep_their_bits_with_their_unit(unit: str) -> None:
    import brian2

    rng = np.random.default_rng(0)
    values = [0.0, 0.02, -0.06, 1e-9, 1e300, 5e-324, 1 / 3, 1.62e-3, float("inf"), *rng.lognormal(-9, 9, 200)]
    for value in values:
        text = literals.quantity(float(value), unit)
        found = eval(text, {"b2": brian2, "float": float})
        assert float(found) == value, text
        assert getattr(found, "dim", None) == getattr(quantity(1.0, unit), "dim", None)
