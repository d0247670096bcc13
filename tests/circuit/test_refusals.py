"""Bad input is refused at the line that gives it, with what was expected, and leaves the circuit as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurosim.circuit as nc
from circuit.small import CELL, GAP, GRADED, small
from neurosim.errors import CircuitError, EquationError, NeurosimError, UnitError, UnsupportedError
from neurosim.units import ms, mV, nS, pA, second

NAN = float("nan")


def refused(call: str, *arguments: Any, error: type[Exception], match: str, **options: Any) -> None:
    """Check that a method refuses its arguments with a message and adds nothing."""
    circuit = small()
    circuit.connect("inh", "exc", nc.AllToAll(), receptor="exc", weight=1 * mV)
    before = dict(circuit.parts)
    with pytest.raises(error, match=match) as caught:
        getattr(circuit, call)(*arguments, **options)
    assert isinstance(caught.value, NeurosimError)
    assert dict(circuit.parts) == before


# -- population ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"name": "exc"}, CircuitError, "circuit 'small' already has 'exc'"),
        ({"name": "inh_to_exc"}, CircuitError, "already has 'inh_to_exc'"),
        ({"name": "a b"}, CircuitError, "'a b' cannot be a name: letters, digits and single underscores"),
        ({"name": "a__b"}, CircuitError, "'a__b' cannot be a name"),
        ({"name": "a_"}, CircuitError, "'a_' cannot be a name"),
        ({"name": 5}, CircuitError, "5 cannot be a name"),
        ({"n": 0}, CircuitError, "population 'new': the size must be a positive integer or a tuple"),
        ({"n": 2.5}, CircuitError, "the size must be a positive integer"),
        ({"n": (2, -1)}, CircuitError, "the size must be a positive integer"),
        ({"model": "lif"}, CircuitError, "the model must be a NeuronModel, got str"),
        ({"model": nc.SpikeSource(3)}, CircuitError, "the model must be a NeuronModel, got SpikeSource"),
        # parameters
        (
            {"parameters": {"tua": 5 * ms}},
            CircuitError,
            r"no parameter 'tua'\. Did you mean 'tau'\? Known: i_ext, i_syn",
        ),
        ({"parameters": {"v": 5 * mV}}, CircuitError, "the model has no parameter 'v'"),
        ({"parameters": {"tau": 5}}, UnitError, r"parameter 'tau' needs a unit .*Write 5\*msecond or 5\*second"),
        ({"parameters": {"tau": 5 * mV}}, UnitError, "population 'new': parameter 'tau' must be in second, got 5. mV"),
        ({"parameters": {"tau": nc.Normal(0, 1)}}, UnitError, "its Normal distribution is in 1"),
        ({"parameters": {"tau": NAN * ms}}, CircuitError, r"parameter 'tau' holds NaN \(1 of 1 values\)"),
        ({"parameters": {"tau": [1, NAN, NAN] * ms}}, CircuitError, r"parameter 'tau' holds NaN \(2 of 3 values\)"),
        ({"parameters": {"tau": [1, 2] * ms}}, CircuitError, r"'tau' has shape \(2,\); .* array of shape \(3,\)"),
        ({"parameters": {"tau": np.ones((3, 1)) * ms}}, CircuitError, r"'tau' has shape \(3, 1\)"),
        ({"parameters": {"tau": nc.Trainable([1, 2] * ms)}}, CircuitError, r"'tau' has shape \(2,\)"),
        (
            {"parameters": {"tau": nc.Trainable(per="edge")}},
            CircuitError,
            "per='edge' has no meaning here; use 'neuron'",
        ),
        ({"parameters": {"tau": nc.Trainable([1, 2, 3] * ms, per="all")}}, CircuitError, "per='all' shares one value"),
        ({"parameters": {"i_ext": nc.Trainable()}}, CircuitError, "'i_ext' is Trainable without an initial value"),
        ({"parameters": {"tau": "20*ms"}}, UnitError, "must be a number, an array or a quantity, got str"),
        # initial values
        ({"initial": {"w": 3}}, CircuitError, r"the model has no variable 'w'\."),
        ({"initial": {"drive": 3 * mV}}, CircuitError, "the model has no variable 'drive'"),
        ({"initial": {"v": -60}}, UnitError, r"initial 'v' needs a unit .*Write -60\*mvolt or -60\*volt"),
        ({"initial": {"v": NAN * mV}}, CircuitError, "initial 'v' holds NaN"),
        ({"initial": {"v": [1, 2] * mV}}, CircuitError, r"'v' has shape \(2,\)"),
        (
            {"initial": {"v": "v_leek"}},
            CircuitError,
            r"uses 'v_leek', which has no value there\. Did you mean 'v_leak'\?",
        ),
        ({"initial": {"v": "drive"}}, CircuitError, "uses 'drive', which has no value there"),
        ({"initial": {"v": "t*volt/second"}}, CircuitError, "uses 't', which has no value there"),
        ({"initial": {"v": "tau"}}, UnitError, "initial v = 'tau' must be in volt, but it is in second"),
        ({"initial": {"v": "3"}}, UnitError, "initial v = '3' must be in volt, but it is in 1"),
        ({"initial": {"v": "v + 1*mV"}}, CircuitError, "the initial value of 'v' depends on itself"),
        ({"initial": {"v": "ampa", "ampa": "v"}}, CircuitError, "the initial value of 'v' depends on itself"),
        ({"initial": {"v": "rand()*mV"}}, CircuitError, "draws random numbers; give a distribution"),
        ({"initial": {"v": "v_leak.real"}}, EquationError, "attribute access is not allowed"),
        ({"initial": {"v": "open(v_leak)"}}, EquationError, "unknown function 'open'"),
        (
            {"parameters": {"i_ext": 1 * pA}, "initial": {"i_ext": 1 * pA}},
            CircuitError,
            "'i_ext' is given as a parameter and",
        ),
        # labels
        ({"labels": ["a", "b"]}, CircuitError, "labels must be 3 different names, got 2"),
        ({"labels": ["a", "b", "a"]}, CircuitError, "labels must be 3 different names, got 2"),
    ],
)
def test_population(options: dict[str, Any], error: type[Exception], match: str) -> None:
    refused("population", **{"name": "new", "n": 3, "model": CELL, **options}, error=error, match=match)


def test_values_of_the_model_itself_must_fit_the_population() -> None:
    for options in (
        {"parameters": {"tau": [1, 2] * ms}},
        {"initial": {"v": [1, 2] * mV}, "parameters": {"tau": 1 * ms}},
    ):
        model = nc.NeuronModel("dv/dt = -v/tau : volt", **options)  # type: ignore[arg-type]
        refused("population", "new", 3, model, error=CircuitError, match=r"has shape \(2,\)")
    marked = nc.NeuronModel("dv/dt = -v/tau : volt", parameters={"tau": nc.Trainable(1 * ms, per="post")})
    refused("population", "new", 3, marked, error=CircuitError, match="per='post' has no meaning here")


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"name": "exc"}, CircuitError, "already has 'exc'"),
        ({"source": 3}, CircuitError, "source 'new': give a SpikeSource, PoissonSource or SignalSource, got int"),
        ({"source": nc.SpikeSource(0)}, CircuitError, "source 'new': the size must be a positive integer"),
    ],
)
def test_source(options: dict[str, Any], error: type[Exception], match: str) -> None:
    refused("source", **{"name": "new", "source": nc.SpikeSource(3), **options}, error=error, match=match)


# -- connect ---------------------------------------------------------------------------------------------------------

PLASTIC = nc.SynapseModel("dx/dt = -x/tau : 1 (event-driven)", on_pre="x += 1", parameters={"tau": 1 * ms})


def pulse(on_pre: str, **options: Any) -> dict[str, Any]:
    return {"receptor": None, "synapse": nc.SynapseModel(on_pre=on_pre, **options)}


SILENT = nc.NeuronModel("x : 1", name="silent")


def test_what_has_neither_spikes_nor_a_variable_passes_nothing_on() -> None:
    circuit = small()
    circuit.population("silent", 2, SILENT)
    with pytest.raises(CircuitError, match="'silent' has neither spikes nor a variable to pass on"):
        circuit.connect("silent", "exc", nc.AllToAll(), receptor="i_ext", weight=1)


def test_what_does_not_spike_teaches_nothing() -> None:
    circuit = small()
    circuit.population("silent", 2, SILENT)
    rule = nc.SynapseModel(on_pre="x_post += w", on_post="w += 1")
    with pytest.raises(CircuitError, match="'silent' does not spike, so on_post never happens"):
        circuit.connect("exc", "silent", nc.AllToAll(), synapse=rule, weight=1.0)


def graded(equations: str) -> dict[str, Any]:
    return {"pre": "slow", "post": "slow", "receptor": None, "weight": 1 * nS, "synapse": nc.SynapseModel(equations)}


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        # ends and names
        (
            {"pre": "exd"},
            CircuitError,
            r"circuit 'small' has no population 'exd'\. Did you mean 'exc'\? Known: exc, inh",
        ),
        ({"post": "inh_to_exc"}, CircuitError, "has no population 'inh_to_exc'"),
        ({"pre": 3}, CircuitError, "has no population '3'"),
        ({"pre": nc.Population("exc", (10,), GRADED)}, CircuitError, "has another population 'exc' than the one given"),
        ({"pre": nc.View("exc", (3, 10))}, CircuitError, "the view of 'exc' names neuron 10, but 'exc' has 10 neurons"),
        ({"pre": nc.View("exc", (-1,))}, CircuitError, "names neuron -1"),
        ({"post": "input"}, CircuitError, "'input' is a source and receives nothing"),
        ({"post": "input", **pulse("v_post += w")}, CircuitError, "'input' is a source and receives nothing"),
        ({"post": "signal"}, CircuitError, "'signal' is a source and receives nothing"),
        ({"pre": "inh", "post": "exc"}, CircuitError, r"already has 'inh_to_exc'; give name= to tell them apart"),
        ({"name": "exc"}, CircuitError, "already has 'exc'"),
        ({"name": "exc->inh"}, CircuitError, "'exc->inh' cannot be a name"),
        # connectivity
        ({"connectivity": 0.1}, CircuitError, r"connectivity must be one of AllToAll\(\), OneToOne\(\), ..., got 0.1"),
        ({"connectivity": nc.OneToOne()}, CircuitError, "projection 'exc_to_inh': OneToOne.* got 10 and 4"),
        (
            {"connectivity": nc.Edges([0, 10], [0, 0])},
            CircuitError,
            r"projection .*pre\[1\] = 10, but the presynaptic side",
        ),
        ({"connectivity": nc.FixedInDegree(11)}, CircuitError, "projection .* only 10 possible partners"),
        (
            {"post": "exc", "connectivity": nc.FixedInDegree(10, autapses=False)},
            CircuitError,
            "only 9 possible partners",
        ),
        (
            {
                "pre": nc.View("exc", (1, 2)),
                "post": nc.View("exc", (2, 3)),
                "connectivity": nc.AllToAll(autapses=False),
            },
            CircuitError,
            "they share 1",
        ),
        # receptor or synapse
        ({"receptor": None}, CircuitError, "give either receptor= .* or synapse="),
        ({"synapse": GAP}, CircuitError, "this one names what it changes itself. Leave receptor= out"),
        ({"receptor": "ampaa"}, CircuitError, r"'inh' has no receptor or variable 'ampaa'\. Did you mean 'ampa'\?"),
        ({"receptor": "drive"}, CircuitError, "'inh' has no receptor or variable 'drive'"),
        ({"receptor": "tau"}, EquationError, "on_pre may not assign to 'tau_post'"),
        ({"pre": "slow", "receptor": "v", "weight": 1}, CircuitError, "sums into a variable that 'inh' declares"),
        ({"pre": "slow", **pulse("ampa_post += w")}, CircuitError, "'slow' does not spike, so on_pre never happens"),
        (pulse("receptor_post += w"), CircuitError, "this synapse adds to a receptor; say which with receptor="),
        (pulse("ampa_post += w", on_post="ampa_post -= w"), EquationError, "on_post may not assign to 'ampa_post'"),
        (pulse("ampa_post += w; w_pre = w"), EquationError, "'w_pre' ends in _pre or _post"),
        ({"post_delay": 1 * ms}, CircuitError, "post_delay= is given, but the synapse has no on_post"),
        ({"initial": {"x": 1.0}}, CircuitError, "no variable 'x' to give an initial value"),
        (pulse("ampo_post += w"), EquationError, r"'ampo_post' is not defined\. Did you mean 'ampa_post'"),
        (pulse("ampa += w"), EquationError, "'ampa' is not defined"),
        (pulse("ampa_pre += w"), EquationError, "on_pre may not assign to 'ampa_pre'"),
        (pulse("ampa_post = w"), UnsupportedError, r"on_pre may add to a neuron's variable \('ampa_post \+= ...'\)"),
        (pulse("ampa_post *= w/volt"), UnsupportedError, "depends on the order of arrivals"),
        (pulse("ampa_post += w*q"), EquationError, r"'q' in 'w\*q' is not defined"),
        ({**pulse("ampa_post += w*1"), "weight": 3}, UnitError, "Here w is a plain number; give weight= a unit"),
        (pulse("ampa_post += w*2*ms"), UnitError, "must have the unit volt, but the right side is in"),
        (pulse("half = w/2"), EquationError, "assigns to 'half', which is no variable"),
        (graded("i_sin_post = w*v_pre : amp (summed)"), CircuitError, r"'i_sin' is none\. Did you mean 'i_syn'"),
        (graded("v_post = w*v_pre*ohm : volt (summed)"), CircuitError, "'v' is none"),
        (graded("i_syn_post = w : amp (summed)"), UnitError, "i_syn_post = 'w' must be in amp, but it is in siemens"),
        (graded("i_syn_post = w*u_pre : amp (summed)"), EquationError, r"'u_pre' in 'w\*u_pre' is not defined"),
        (
            {**graded("i_syn_post = w*v_pre : amp (summed)"), "delay": 1 * ms},
            CircuitError,
            "a graded synapse has no delay",
        ),
        # weight
        ({"weight": None}, CircuitError, r"give weight= \(in volt\)"),
        ({"weight": 1}, UnitError, r"weight needs a unit \(volt\), got .* 1. Write 1\*mvolt or 1\*volt"),
        ({"weight": 1 * pA}, UnitError, r"projection 'exc_to_inh': weight must be in volt, got 1. pA \(amp\)"),
        ({"weight": nc.Uniform(0, 1)}, UnitError, "its Uniform distribution is in 1"),
        ({"weight": np.ones(39) * mV}, CircuitError, r"weight has shape \(39,\); give one value or .* shape \(40,\)"),
        ({"weight": np.ones((10, 4)) * mV}, CircuitError, "weight= is a bare matrix"),
        ({"weight": nc.Trainable(np.ones(3) * mV)}, CircuitError, r"weight has shape \(3,\)"),
        ({"weight": np.ones(3) * mV, "connectivity": nc.Edges([0, 1], [0, 1])}, CircuitError, r"shape \(2,\)"),
        (
            {"weight": np.ones(99) * mV, "connectivity": nc.FixedProbability(0.5)},
            CircuitError,
            r"weight has shape \(99,\)",
        ),
        ({"weight": NAN * mV}, CircuitError, "weight holds NaN"),
        ({"weight": nc.Trainable()}, CircuitError, "the trainable weight needs an initial value"),
        (
            {"weight": nc.Trainable(1 * mV, per="neuron")},
            CircuitError,
            "per='neuron' has no meaning here; use 'edge', 'pre'",
        ),
        (
            {**pulse("ampa_post += 1*mV"), "weight": 3},
            CircuitError,
            "weight= is given, but nothing in the synapse reads w",
        ),
        # delay
        ({"delay": 1}, UnitError, r"delay needs a unit \(second\), got .* Write 1\*msecond or 1\*second"),
        ({"delay": 1 * mV}, UnitError, "delay must be in second"),
        ({"delay": 0.15 * ms}, CircuitError, r"delay 0.00015 s is no multiple of dt = 0.0001 s \(nearest: 0.0001 s\)"),
        ({"delay": np.full(40, 0.25) * ms}, CircuitError, "is no multiple of dt"),
        ({"delay": -1 * ms}, CircuitError, r"delays must be finite and not negative, got -0.001 s"),
        ({"delay": np.r_[np.zeros(39), -1] * ms}, CircuitError, "not negative, got -0.001 s"),
        ({"delay": np.r_[np.zeros(39), np.inf] * ms}, CircuitError, "finite and not negative, got inf s"),
        ({"delay": np.inf * ms}, CircuitError, "finite and not negative, got inf s"),
        ({"delay": NAN * ms}, CircuitError, "delay holds NaN"),
        ({"delay": nc.Uniform(-1 * ms, 1 * ms)}, CircuitError, "delays must not be negative"),
        ({"delay": nc.Trainable(-1 * ms)}, CircuitError, "not negative"),
        ({"delay": nc.Trainable()}, CircuitError, "the trainable delay needs an initial value"),
        ({"delay": np.zeros(3) * ms}, CircuitError, r"delay has shape \(3,\)"),
        # parameters
        (
            {**pulse("ampa_post += w*q", parameters={"q": 1.0}), "parameters": {"p": 1}},
            CircuitError,
            r"no parameter 'p'\. .*q",
        ),
        ({**pulse("ampa_post += w*q", parameters={"q": 1.0}), "parameters": {"q": 1 * ms}}, UnitError, "plain number"),
        (
            {**pulse("ampa_post += w*q", parameters={"q": 1.0}), "parameters": {"q": np.ones(3)}},
            CircuitError,
            r"'q' has shape",
        ),
        ({**pulse("ampa_post += w*q", parameters={"q": np.ones(3)})}, CircuitError, r"'q' has shape \(3,\)"),
    ],
)
def test_connect(options: dict[str, Any], error: type[Exception], match: str) -> None:
    given = {"pre": "exc", "post": "inh", "connectivity": nc.AllToAll(), "receptor": "exc", "weight": 1 * mV}
    refused("connect", **{**given, **options}, error=error, match=match)


# -- inject ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"name": "exc"}, CircuitError, "already has 'exc'; give name="),
        ({"target": "exx"}, CircuitError, r"no population 'exx'\. Did you mean 'exc'"),
        ({"target": "input"}, CircuitError, "'input' is a source and receives nothing"),
        ({"target": nc.View("exc", (1, 1))}, CircuitError, "injection 'new': a neuron is selected twice"),
        ({"target": nc.View("exc", (1, 12))}, CircuitError, "names neuron 12"),
        ({"variable": "i_ex"}, CircuitError, r"has no input variable 'i_ex' .*Did you mean 'i_ext'"),
        ({"variable": "v"}, CircuitError, "has no input variable 'v'"),
        ({"variable": "tau"}, CircuitError, "has no input variable 'tau'"),
        ({"signal": 3 * pA}, CircuitError, r"give a signal such as Step\(\.\.\.\), got Quantity"),
        ({"signal": nc.Step(3)}, UnitError, "injection 'new' must be in amp, the signal is in 1"),
        ({"signal": nc.Step(3 * mV)}, UnitError, "must be in amp, the signal is in volt"),
        (
            {"signal": nc.Step([1, 2] * pA)},
            CircuitError,
            "injection 'new': Step: amplitude has 2 values, the target has 10",
        ),
        (
            {"signal": nc.Signal(np.zeros((5, 3)) * pA, 1 * ms)},
            CircuitError,
            "values have 3 columns, the target has 10",
        ),
        (
            {"signal": nc.Signal(np.zeros((5, 3)) * pA, 1 * second), "target": nc.View("exc", (1, 2))},
            CircuitError,
            "3 columns",
        ),
    ],
)
def test_inject(options: dict[str, Any], error: type[Exception], match: str) -> None:
    refused("inject", **{"name": "new", "target": "exc", "variable": "i_ext", **options}, error=error, match=match)


# -- what is asked for -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "arguments", "match"),
    [
        ("edges", ("exc",), r"has no projection 'exc'"),
        ("edges", ("exc_to_inh",), r"has no projection 'exc_to_inh'\. Known: inh_to_exc\."),
        ("parameter", ("exd", "tau"), r"has no population 'exd'\. Did you mean 'exc'"),
        ("parameter", ("exc", "taau"), r"population 'exc' has no parameter 'taau'\. Did you mean 'tau'"),
        ("parameter", ("input", "tau"), "source 'input' has no parameters"),
        ("initial", ("inh_to_exc", "v"), "has no population 'inh_to_exc'"),
        ("initial", ("exc", "vv"), r"population 'exc' has no variable 'vv'\. Did you mean 'v'"),
        ("initial", ("input", "v"), "population 'input' has no variable 'v'"),
        ("edge_parameter", ("exc", "q"), "has no projection 'exc'"),
        ("edge_parameter", ("inh_to_exc", "q"), "projection 'inh_to_exc' has no parameter 'q'"),
    ],
)
def test_unknown_names(method: str, arguments: tuple[str, ...], match: str) -> None:
    refused(method, *arguments, error=CircuitError, match=match)
