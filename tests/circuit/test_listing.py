"""What print(circuit) shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import neurosim.circuit as nc
from circuit.small import GAP, small
from circuit.strategies import circuits
from neurosim.circuit.listing import WIDTH, describe
from neurosim.circuit.values import Value
from neurosim.random import Stream
from neurosim.units import ms, mV, nS, pA

EXPECTED = """\
small: dt 100 us, seed 5, 32 neurons, 7 projections

exc: 10 cell
  dv/dt = (v_leak - v + ampa + r*i_ext)/tau : volt (unless refractory)
  dampa/dt = -ampa/tau_ampa : volt
  drive = r*i_ext : volt
  i_ext : amp
  i_syn : amp
  threshold: v > v_threshold
  reset: v = v_leak
  refractory: 2 ms; method: exact, else euler
  tau = 20 ms; tau_ampa = 5 ms; r = 100 Mohm; v_leak = -60 mV; v_threshold = -50 mV
  initially v = v_leak

inh: 4 cell, the equations of exc
  tau = 10 ms (trainable); tau_ampa = 5 ms; r = 100 Mohm; v_leak = -60 mV
  v_threshold = -50 mV
  initially v = uniform from -60 mV to -50 mV

slow: 3 graded
  dv/dt = (i_syn*ohm - v)/(5*ms) : volt
  i_syn : amp
  method: exact, else euler

input: 6, spikes given at run time

signal: 3, values given at run time

grid: 6 (2 x 3), values in amp given at run time

all: exc -> inh, AllToAll(autapses=True), 40 edges
  on_pre: ampa_post += w
  weight = 1 mV; delay = 0 s

one: exc (4 of 10) -> inh, OneToOne(), 4 edges
  on_pre: ampa_post += w
  weight = normal 1 mV +- 500 uV; delay = 0 s

some: exc -> exc, FixedProbability(p=0.5, autapses=False), about 45 edges
  on_pre: ampa_post += w
  weight = 1 mV; delay = uniform from 1 ms to 3 ms

degree: exc -> inh, FixedInDegree(k=3, autapses=True, multapses=False), 12 edges
  on_pre: ampa_post += w
  weight = 1 mV; delay = 0 s

given: exc -> inh, Edges(<1 edges>), 1 edge
  on_pre: ampa_post += w*q
  weight = 1 mV; delay = 0 s; q = 3

gap: slow -> slow, AllToAll(autapses=False), 6 edges
  i_syn_post = w*(v_pre - v_post) : amp (summed)
  weight = 1 nS

constant: input -> exc, AllToAll(autapses=True), 60 edges
  on_pre: ampa_post += 1*mV
  delay = 0 s

stimulus: into exc.i_ext of 10 neurons, 200 pA from 300 ms to 1 s

always: into exc.i_ext of 1 neuron, 200 pA from 0 s

samples: into exc.i_ext of 10 neurons, 5 samples, one every 1 ms

later: into exc.i_syn of 10 neurons, values in amp given at run time"""


def listed() -> nc.Circuit:
    circuit = nc.Circuit("small", dt=0.1 * ms, seed=5)
    for name, part in small().populations.items():
        if name == "inh":
            circuit.population("inh", 4, part.model, parameters={"tau": nc.Trainable(10 * ms)},  # type: ignore[arg-type]
                               initial={"v": nc.Uniform(-60 * mV, -50 * mV)})  # fmt: skip
        elif isinstance(part.model, nc.NeuronModel):
            circuit.population(name, part.n, part.model)
        else:
            circuit.source(name, part.model)
    circuit.source("grid", nc.SignalSource((2, 3), pA))
    exc = circuit.populations["exc"]
    pulse = {"receptor": "exc", "weight": 1 * mV}
    circuit.connect("exc", "inh", nc.AllToAll(), **pulse, name="all")
    circuit.connect(exc[:4], "inh", nc.OneToOne(), receptor="exc", weight=nc.Normal(1 * mV, 0.5 * mV), name="one")
    circuit.connect(
        "exc", "exc", nc.FixedProbability(0.5, autapses=False), **pulse, delay=nc.Uniform(1 * ms, 3 * ms), name="some"
    )
    circuit.connect("exc", "inh", nc.FixedInDegree(3), **pulse, name="degree")
    scaled = nc.SynapseModel(on_pre="ampa_post += w*q", parameters={"q": 2.0})
    circuit.connect(
        "exc", "inh", nc.Edges([0], [1]), synapse=scaled, weight=1 * mV, parameters={"q": 3.0}, name="given"
    )
    circuit.connect("slow", "slow", nc.AllToAll(autapses=False), synapse=GAP, weight=1 * nS, name="gap")
    circuit.connect("input", "exc", nc.AllToAll(), synapse=nc.SynapseModel(on_pre="ampa_post += 1*mV"), name="constant")
    circuit.inject("stimulus", "exc", "i_ext", nc.Step(200 * pA, start=300 * ms, stop=1000 * ms))
    circuit.inject("always", exc[0], "i_ext", nc.Step(200 * pA))
    circuit.inject("samples", "exc", "i_ext", nc.Signal(np.zeros(5) * pA, 1 * ms))
    circuit.inject("later", "exc", "i_syn")
    return circuit


def test_the_whole() -> None:
    assert str(listed()) == EXPECTED


def test_realised_edges_are_counted() -> None:
    circuit = listed()
    count = len(circuit.edges("some").pre)
    assert f"FixedProbability(p=0.5, autapses=False), {count} edges" in str(circuit)


def test_a_listing_draws_nothing() -> None:
    class Unwilling(nc.Connectivity):
        def _edges(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> tuple[np.ndarray, np.ndarray]:
            raise AssertionError("drawn")

    circuit = small()
    circuit.connect("exc", "inh", Unwilling(), receptor="exc", weight=1 * mV)
    assert "edges not drawn yet" in str(circuit)


def test_large_numbers_are_grouped() -> None:
    circuit = nc.Circuit("large", dt=1 * ms)
    circuit.source("a", nc.SpikeSource(12_000))
    assert str(circuit).startswith("large: dt 1 ms, seed 0, 12,000 neurons, 0 projections")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.005, "volt", "5 mV"), ("v_leak", "volt", "v_leak"),
        (np.array([1e-3, 3e-3]), "second", "2 values, 1 ms to 3 ms"),
        (np.array([1e-3, 1e-3]), "second", "2 values, all 1 ms"), (np.array([]), "second", "no values"),
        (nc.Uniform(1 * ms, 2 * ms), "second", "uniform from 1 ms to 2 ms"),
        (nc.Normal(0, 1, low=-2), "1", "normal 0 +- 1, cut from -2"),
        (nc.Normal(0, 1, -2, 2), "1", "normal 0 +- 1, cut from -2 to 2"),
        (nc.Trainable(0.001), "volt", "1 mV (trainable)"),
        (nc.Trainable(0.001, bounds=(0.0, None), sign=1, per="pre", tie="a"), "volt",
         "1 mV (trainable, >= 0 V, sign +1, per pre, tied as a)"),
        (nc.Trainable(0.001, bounds=(None, 0.002), sign=-1), "volt", "1 mV (trainable, <= 2 mV, sign -1)"),
        (nc.Trainable(nc.Uniform(0, 1)), "1", "uniform from 0 to 1 (trainable)"),
    ],
)  # fmt: skip
def test_values(value: Value | str, unit: str, text: str) -> None:
    assert describe(value, unit) == text


def test_long_equations_are_wrapped() -> None:
    terms = " + ".join(f"a{number}*x" for number in range(40))
    model = nc.NeuronModel(
        f"dx/dt = -({terms})/ms : 1", parameters={f"a{number}": float(number) for number in range(40)}
    )
    circuit = nc.Circuit("c", dt=1 * ms)
    circuit.population("p", 2, model)
    lines = str(circuit).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert len(lines) > 8


@settings(max_examples=25)
@given(circuits())
def test_random_circuits_fit_the_screen(circuit: nc.Circuit) -> None:
    text = str(circuit)
    assert text.isprintable() or "\n" in text
    for part in circuit.parts:
        assert f"\n{part}: " in text


def test_print_and_load(tmp_path: Path) -> None:
    circuit = listed()
    assert str(nc.Circuit.load(circuit.save(tmp_path / "c.json"))) == str(circuit)
