"""A circuit as a script of Brian2: the same spikes and values without neurosim, and nothing of a circuit as code."""

from __future__ import annotations

import ast
import subprocess
import sys
import tokenize
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

import neurosim as ns
from backends.random_circuits import circuits
from backends.test_plasticity import RULES, network
from interop.scripts import Case, differences, run_scripts
from interop.test_brian2_script_text import tokens
from neurosim import philox
from neurosim.interop.brian2_script import running
from neurosim.interop.brian2_script.script import brian2_script
from neurosim.random import noise
from neurosim.units import Hz, Mohm, ms, mV, nA, nS, quantity
from program.library import MODELS


def cell(**options: Any) -> ns.NeuronModel:
    return ns.models.lif(
        tau_mem=10 * ms, r=100 * Mohm, v_leak=-60 * mV, v_threshold=-50 * mV, v_reset=-60 * mV,
        receptors={"ampa": ns.Exponential(5 * ms, reversal=0 * mV), "gaba": ns.Alpha(7 * ms, reversal=-80 * mV)},
        **options,
    )  # fmt: skip


def pulses_and_views() -> Case:
    """Drawn delays, one delay, weights that differ, parts of populations, shapes, analogue inputs, given spikes."""
    circuit = ns.Circuit("pulses", dt=0.1 * ms, seed=3)
    first = circuit.population("in", (3, 4), cell(tau_ref=2 * ms), initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    second_one = circuit.population("lambda", 5, cell(), parameters={"tau_mem": ns.Uniform(8 * ms, 12 * ms)})
    outside = circuit.source("outside", ns.SpikeSource(6))
    circuit.connect(outside, first[:, 1], ns.AllToAll(), receptor="ampa", weight=20 * nS, delay=1.5 * ms)
    circuit.connect(
        first, second_one, ns.FixedProbability(0.7), receptor="ampa", weight=ns.Uniform(5 * nS, 40 * nS),
        delay=ns.Uniform(0 * ms, 2 * ms),
    )  # fmt: skip
    circuit.connect(second_one[1:4], first, ns.FixedInDegree(2), receptor="gaba",
                    weight=9 * nS, name="back")  # fmt: skip
    circuit.connect(first, first, ns.FixedProbability(0.0), receptor="ampa", weight=1 * nS, name="nothing")
    circuit.inject("step", first[2], "i_ext", ns.Step([0.2, 0.3, 0.1, 0.25] * nA, start=1 * ms, stop=15 * ms))
    circuit.inject("again", first, "i_ext", ns.Step(0.05 * nA))
    circuit.inject("wave", second_one[[0, 3]], "i_ext", ns.Signal(np.arange(20.0).reshape(10, 2) * 0.02 * nA, 2 * ms))
    spikes = np.random.default_rng(1).random((200, 6)) < 0.02
    return Case(circuit, 20 * ms, {"outside": spikes})


def graded_and_algebraic() -> Case:
    """Neurons that do not spike, gap junctions, a source of signals, values computed within a step."""
    circuit = ns.Circuit("graded", dt=0.1 * ms, seed=3)
    signal = circuit.source("signal", ns.SignalSource(3))
    layer = circuit.population("layer", 4, ns.models.rate_unit(nonlinearity="tanh"))
    worm = circuit.population("worm", 5, ns.models.graded(v_half=-36 * mV, a_r=800 * Hz, a_d=300 * Hz))
    circuit.connect(signal, layer, ns.AllToAll(), receptor="x", weight=ns.Uniform(-1, 1))
    gap = ns.SynapseModel("i_ext_post = w*(v_pre - v_post) : amp (summed)")
    circuit.connect(worm, worm, ns.AllToAll(), synapse=gap, weight=0.01 * nS)
    drive = ns.SynapseModel("i_ext_post = w*r_pre : amp (summed)")
    circuit.connect(layer, worm, ns.AllToAll(), synapse=drive, weight=0.0003 * nA)
    return Case(circuit, 20 * ms, {"signal": np.random.default_rng(2).normal(size=(200, 3))})


def random_numbers() -> Case:
    """White noise, random resets and refractory periods, spikes and background pulses at random, of all kinds."""
    circuit = ns.Circuit("noise", dt=0.1 * ms, seed=3)
    model = ns.NeuronModel(
        "dv/dt = -v/tau + sigma*xi*tau**-0.5 : 1 (unless refractory)\nu : 1 (unless refractory)",
        threshold="v + u > 1 + 0.1*rand()", reset="v = 0.2*randn(); u = u/2", refractory="rand() < 0.9",
        parameters={"tau": 5 * ms, "sigma": 1.0}, method="euler",
    )  # fmt: skip
    noisy = circuit.population("noisy", 7, model)
    circuit.population(
        "heun", 3, ns.NeuronModel("dx/dt = -x/tau + x*xi*tau**-0.5 : 1", parameters={"tau": 9 * ms}, method="heun",
                                  initial={"x": 1.0}),
    )  # fmt: skip
    plain = circuit.source("plain", ns.PoissonSource(5, 300 * Hz))
    given = circuit.source("given", ns.PoissonSource(4, np.array([0.0, 100.0, 900.0, 40.0]) * Hz))
    changing = circuit.source("changing", ns.PoissonSource(4, 100 * Hz))
    for source in (plain, given, changing):
        circuit.connect(source, noisy, ns.AllToAll(), synapse=ns.SynapseModel(on_pre="u_post += w"), weight=0.2)
    circuit.poisson("one_rate", noisy[2:], receptor="u", count=100, rate=20 * Hz, weight=0.05)
    circuit.poisson(
        "rates", noisy, receptor="u", count=1000, rate=np.linspace(0, 60, 7) * Hz, weight=np.linspace(0, 0.1, 7)
    )
    circuit.poisson("later", noisy, receptor="u", count=10, rate=10 * Hz, weight=0.1)
    inputs = {"changing": ns.Step(500 * Hz, start=3 * ms), "later": ns.Step(300 * Hz, start=7 * ms, stop=12 * ms)}
    return Case(circuit, 20 * ms, inputs, seed=11)


def maps_and_names() -> Case:
    """Discrete maps, circuits in circuits, variables with names that Brian2 keeps, exprel, the index of a neuron."""
    inner = ns.Circuit("inner", dt=0.1 * ms, seed=5)
    exc = inner.population("exc", 3, ns.models.izhikevich_map(noise_std=5.0))
    inner.inject("push", exc, "i_ext", ns.Step(12.0))
    circuit = ns.Circuit("maps", dt=0.1 * ms, seed=3)
    circuit.include("left", inner)
    circuit.include("right", inner)
    circuit.connect("left/exc", "right/exc", ns.AllToAll(), receptor="i_syn", weight=20.0, delay=0.5 * ms)
    own = ns.NeuronModel(
        "dN/dt = (i/10 - N*exprel(N))/tau : 1\ni : 1\nspikespace = N**3 : 1", threshold="N > 0.3*(1 + spikespace)",
        reset="N = N - 0.1*i", parameters={"tau": 3 * ms}, initial={"i": np.array([4.0, 9.0, 12.0])}, method="rk4",
    )  # fmt: skip
    circuit.population("p", 3, own)
    return Case(circuit, 20 * ms)


CASES: dict[str, Callable[[], Case]] = {
    "pulses and views": pulses_and_views,
    "graded and algebraic": graded_and_algebraic,
    "random numbers": random_numbers,
    "maps and names": maps_and_names,
    "balanced-network": lambda: Case(ns.circuits.build("balanced-network", scale=0.05), 50 * ms),
    "izhikevich-network": lambda: Case(ns.circuits.build("izhikevich-network", scale=0.1), 50 * ms),
    "plastic, pairs": lambda: plastic("pairs"),
    "plastic, clock-driven": lambda: plastic("clock-driven"),
    "hodgkin-huxley": lambda: library("hodgkin_huxley, conductances"),
    "adaptive exponential": lambda: library("adaptive_exponential, refractory"),
}


def plastic(rule: str) -> Case:
    """Return a network whose edges change, with a delay of what spikes do to them from behind."""
    delays = ns.Uniform(0 * ms, 3 * ms) if "on_post" in RULES[rule] else None
    return Case(network(rule, n=12, post_delay=delays), 40 * ms)


def library(name: str) -> Case:
    """Return three neurons of a model, two of them driven where it has an input for that."""
    model = MODELS[name]
    circuit = ns.Circuit("library", dt=(1 if "map" in name else 0.1) * ms, seed=3)
    neurons = circuit.population("p", 3, model)
    sizes = {"1": 5.0, "amp": 2e-9, "volt": 0.03}
    for variable in ("i_ext", "i", "x"):
        unit = model.units.get(variable)
        if unit in sizes:
            circuit.inject("drive", neurons[:2], variable, ns.Step(quantity(sizes[unit], unit), start=2 * ms))
            break
    return Case(circuit, 20 * ms)


def sample(number: int) -> list[Case]:
    """Return random circuits."""
    found: list[Case] = []

    @given(circuits())
    @settings(
        max_examples=number, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def collect(drawn: tuple[ns.Circuit, dict[str, Any]]) -> None:
        found.append(Case(drawn[0], 4 * ms, drawn[1], seed=5))

    collect()
    return found


def assert_equal(cases: dict[str, Case], folder: Path) -> int:
    """Check scripts against runs here; return the number of spikes of all."""
    total = 0
    for name, (_, saved) in zip(cases, run_scripts(list(cases.values()), folder), strict=True):
        spikes, parted, _ = differences(cases[name], saved)
        assert parted == [], name
        total += spikes
    return total


# --- the same spikes and values, to the last bit ---


def test_scripts_give_the_same_spikes_and_values_without_neurosim(tmp_path: Path) -> None:
    cases = {name: make() for name, make in CASES.items()}
    assert assert_equal(cases, tmp_path) > 500


def test_random_circuits(tmp_path: Path) -> None:
    drawn = sample(8)
    assert assert_equal({f"{number}": case for number, case in enumerate(drawn)}, tmp_path) > 20


@pytest.mark.slow
def test_many_random_circuits(tmp_path: Path) -> None:
    drawn = sample(150)
    assert assert_equal({f"{number}": case for number, case in enumerate(drawn)}, tmp_path) > 500


@pytest.mark.slow
def test_every_model_of_the_library(tmp_path: Path) -> None:
    assert assert_equal({name: library(name) for name in MODELS}, tmp_path) > 200


@pytest.mark.slow
def test_every_rule_of_plasticity(tmp_path: Path) -> None:
    assert assert_equal({rule: plastic(rule) for rule in RULES}, tmp_path) > 50


@pytest.mark.slow
def test_whole_circuits(tmp_path: Path) -> None:
    cases = {
        name: Case(ns.circuits.build(name, **({"scale": 0.01} if name == "fly-brain" else {})), 100 * ms)
        for name in ns.circuits.names()
        if ns.circuits.describe(name).builder.split(":")[0] not in ("neurosim.circuits.celegans_connectome.circuit",)
    }
    assert assert_equal(cases, tmp_path) > 1000


# --- native statements ---


def test_native_scripts_hold_the_equations_and_agree_but_for_rounding(tmp_path: Path) -> None:
    made = {name: CASES[name]() for name in ("pulses and views", "maps and names", "adaptive exponential")}
    cases = [Case(case.circuit, case.duration, case.inputs, statements="native") for case in made.values()]
    found = run_scripts(cases[:1] + cases[2:], tmp_path)
    for case, (_, saved) in zip(cases[:1] + cases[2:], found, strict=True):
        spikes, parted, largest = differences(case, saved)
        assert spikes > 3
        assert largest < 1e-9, parted
    text, _ = brian2_script(cases[2].circuit, 20 * ms, inputs=None, seed=0, statements="native")
    assert 'method="exponential_euler"' in text or 'method="euler"' in text
    assert "run_regularly" not in text
    text, _ = brian2_script(cases[1].circuit, 20 * ms, inputs=None, seed=0, statements="native")
    assert "b2.seed(SEED" in text


def test_native_scripts_refuse_what_brian2_divides_by_zero() -> None:
    circuit = ns.Circuit("equal", dt=0.1 * ms)
    circuit.population("p", 2, MODELS["lif, equal time constants"])
    text, _ = brian2_script(circuit, 1 * ms, inputs=None, seed=0, statements="exact")
    assert "NeuronGroup" in text
    with pytest.raises(ns.UnsupportedError, match=r"tau_mem.* exact statements"):
        brian2_script(circuit, 1 * ms, inputs=None, seed=0, statements="native")


# --- what the script is ---


def test_a_script_reads_only_brian2_numpy_and_the_standard_library() -> None:
    case = random_numbers()
    text, _ = brian2_script(case.circuit, case.duration, inputs=case.inputs, seed=1, statements="exact")
    imported = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module))
    assert imported - {"brian2", "numpy"} <= set(sys.stdlib_module_names) | {"collections.abc"}
    code = "".join(token.string for token in tokens(text) if token.type != tokenize.COMMENT)
    assert "neurosim" not in code.replace('b"neurosim.noise"', "")


def test_every_part_stands_in_the_order_of_the_circuit_with_its_name() -> None:
    case = pulses_and_views()
    text, arrays = brian2_script(case.circuit, case.duration, inputs=case.inputs, seed=1, statements="exact")
    places = [text.index(f"\n# {name}: ") for name in case.circuit.parts]
    assert places == sorted(places)
    assert "# lambda_to_in" not in text
    assert '"tau_mem": 10 * b2.ms' in text
    assert max(map(len, text.splitlines())) < 400, "big arrays stay out of the text"
    assert arrays["in_to_lambda.i"].shape == arrays["in_to_lambda.w"].shape


def test_a_script_is_the_same_each_time(tmp_path: Path) -> None:
    circuit = pulses_and_views().circuit
    first, second = (ns.export_brian2_script(circuit, tmp_path / name / "a.py", 5 * ms) for name in ("x", "y"))
    assert first.read_text() == second.read_text()
    assert first.with_suffix(".npz").read_bytes() == second.with_suffix(".npz").read_bytes()


# --- files ---


def test_files_are_not_replaced_unasked_and_none_is_left_half_done(tmp_path: Path) -> None:
    circuit = pulses_and_views().circuit
    path = tmp_path / "script.py"
    path.write_text("precious")
    with pytest.raises(ns.FileFormatError, match=r"script\.py exists already"):
        ns.export_brian2_script(circuit, path, 5 * ms)
    path.rename(tmp_path / "script.npz")
    with pytest.raises(ns.FileFormatError, match=r"script\.npz exists already"):
        ns.export_brian2_script(circuit, path, 5 * ms)
    with pytest.raises(ns.CircuitError, match="multiple of dt"):
        ns.export_brian2_script(circuit, path, 0.55 * ms * 0.1, overwrite=True)
    assert [item.name for item in tmp_path.iterdir()] == ["script.npz"]
    assert (tmp_path / "script.npz").read_text() == "precious"
    ns.export_brian2_script(circuit, path, 5 * ms, overwrite=True)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["script.npz", "script.py"]
    with pytest.raises(ns.FileFormatError, match=r"must end in \.py"):
        ns.export_brian2_script(circuit, tmp_path / "script.txt", 5 * ms)
    for seed in (-1, 2**64, "1; import os", True, 1.5):
        with pytest.raises(ns.CircuitError, match="seed must be"):
            ns.export_brian2_script(circuit, path, 5 * ms, seed=seed, overwrite=True)  # type: ignore[arg-type]
    with pytest.raises(ns.BackendError, match="Did you mean 'exact'"):
        ns.export_brian2_script(circuit, path, 5 * ms, statements="exakt", overwrite=True)


@pytest.mark.parametrize("name", ["random.py", "numpy.py", "brian2.py", "Sympy.py"])
def test_scripts_do_not_hide_what_they_import(name: str, tmp_path: Path) -> None:
    circuit = ns.Circuit("c", dt=0.1 * ms)
    with pytest.raises(ns.FileFormatError, match="in place of the module"):
        ns.export_brian2_script(circuit, tmp_path / name, 1 * ms)


def test_a_script_refuses_the_arrays_of_another(tmp_path: Path) -> None:
    for name, n in (("one", 3), ("two", 4)):
        circuit = ns.Circuit("c", dt=0.1 * ms)
        circuit.population("p", n, cell(), initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
        ns.export_brian2_script(circuit, tmp_path / f"{name}.py", 1 * ms)
    (tmp_path / "two.npz").replace(tmp_path / "one.npz")
    done = subprocess.run(
        [sys.executable, tmp_path / "one.py"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert "belongs to another" in done.stderr


# --- random numbers of the script ---


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_random_numbers_are_those_of_neurosim(kind: str, n: int) -> None:
    drawn = np.stack(list(islice(getattr(running, kind)("left/exc", n, 3), 130)))
    expected = noise(0, "left/exc", trials=(0, 1), steps=(0, 130), neurons=n, site=3, kind=kind)[:, 0]  # type: ignore[arg-type]
    assert np.array_equal(drawn, expected)


def test_normal_numbers_of_any_bits_are_those_of_neurosim() -> None:
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**64, (20_000, 4), dtype=np.uint64) >> rng.integers(0, 64, (20_000, 4), dtype=np.uint64)
    bits[::2] = ~bits[::2]  # both ends, and everything between
    expected = np.zeros(bits.shape)
    for row, values in zip(bits, expected, strict=True):
        philox.normal_pairs(row[0::2].copy(), row[1::2].copy(), values)
    assert running.normal_pairs(bits).tobytes() == expected.tobytes()
