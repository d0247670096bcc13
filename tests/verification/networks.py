"""Small networks that the tests of the verifier run, and simulators of them with a fault on purpose."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

import neurosim as ns
from neurosim.backends.brian2.simulator import Brian2Simulator
from neurosim.circuit import EdgeTable
from neurosim.program.statements import Statement, substitute
from neurosim.program.step_program import StepProgram
from neurosim.units import ms, mV, nS, pA, pF

CELL = {
    "C": 250 * pF, "k": 2.5 * nS / mV, "v_rest": -60 * mV, "v_t": -19.2 * mV, "v_peak": 30 * mV,
    "a": 0.01 / ms, "b": -2 * nS, "c": -65 * mV, "d": 200 * pA,
}  # fmt: skip
TAU = 5 * ms


def reservoir(n: int = 150, *, direct: bool = False, seed: int = 1) -> ns.Circuit:
    """Build the recurrent network of Nicola and Clopath's reservoir: chaotic, delays of 0 to 3 steps, no noise.

    With `direct`, pulses add to v itself, so that it matters whether they come before the reset.
    """
    circuit = ns.Circuit("reservoir", dt=0.1 * ms, seed=seed)
    cell = ns.models.izhikevich_physical(**CELL, receptors={"synaptic": ns.Alpha(TAU)})
    initial = {"v": ns.Uniform(-65 * mV, 30 * mV)}
    population = circuit.population("cells", n, cell, initial=initial)
    weight = ns.Normal(0 * mV, 2 * mV) if direct else ns.Normal(0 * pA, 300 * pA)
    circuit.connect(
        population, population, ns.FixedProbability(0.1), receptor="v" if direct else "synaptic", weight=weight,
        delay=ns.Uniform(0 * ms, 0.3 * ms), name="recurrent",
    )  # fmt: skip
    circuit.inject("bias", population, "i_ext", ns.Step(1100 * pA))
    return circuit


def graded(n: int = 6) -> ns.Circuit:
    """Build a ring of graded neurons with gap junctions, driven at one cell: nothing spikes."""
    circuit = ns.Circuit("ring", dt=0.5 * ms, seed=3)
    model = ns.NeuronModel(
        "dv/dt = (-v + tanh(drive) + pull + i_ext)/tau : 1\ndrive : 1\npull : 1\ni_ext : 1\nrate = 1/(1 + exp(-v)) : 1",
        parameters={"tau": 5 * ms}, method="exponential_euler", name="graded",
    )  # fmt: skip
    ring = circuit.population("ring", n, model, initial={"v": ns.Uniform(-1, 1)})
    following = (np.arange(n) + 1) % n
    for name, text in (("chemical", "drive_post = w*rate_pre : 1"), ("gap", "pull_post = w*(v_pre - v_post) : 1")):
        circuit.connect(
            ring, ring, ns.Edges(np.arange(n), following), synapse=ns.SynapseModel(f"{text} (summed)"), weight=0.7,
            name=name,
        )  # fmt: skip
    circuit.inject("push", ring[:1], "i_ext", ns.Step(2.0, start=3 * ms))
    return circuit


def with_program(circuit: ns.Circuit, change: Callable[[StepProgram], StepProgram]) -> Brian2Simulator:
    """Return a Brian2 simulator that runs a changed program."""
    simulator: Brian2Simulator = ns.compile(circuit, backend="brian2")
    simulator.program = change(simulator.program)
    return simulator


def changed_projection(program: StepProgram, **changes: Any) -> StepProgram:
    """Return a program whose only pulse projection is changed."""
    (projection,) = program.pulses
    return replace(program, pulses=(replace(projection, **changes),))


def changed_statement(program: StepProgram, target: str, change: Callable[[ast.expr], ast.expr]) -> StepProgram:
    """Return a program in which one temporary of the integration of "cells" is computed otherwise."""
    item = program.populations["cells"]
    assert [statement.target for statement in item.integrate].count(target) == 1
    statements = tuple(
        Statement(target, change(statement.expression)) if statement.target == target else statement
        for statement in item.integrate
    )
    return replace(program, populations={**program.populations, "cells": replace(item, integrate=statements)})


def active_edge(circuit: ns.Circuit, recording: ns.Recording) -> tuple[int, int]:
    """Return an edge of a neuron that has just fired for the first time, and the step of that spike."""
    spikes = recording.spikes["cells"]
    pre = circuit.edges("recurrent").pre
    first = next(index for index, neuron in enumerate(spikes.neurons) if neuron in pre)
    return int(np.flatnonzero(pre == spikes.neurons[first])[0]), int(spikes.to_steps(circuit.dt)[first])


def one_delay_longer(program: StepProgram, edge: int) -> StepProgram:
    (projection,) = program.pulses
    delay = projection.delay.copy()
    delay[edge] += 1
    held = projection.edges
    edges = EdgeTable(held.sources, held.post, held.weights, delay, held.dt, held.element)
    return changed_projection(program, edges=edges)


def one_weight_heavier(program: StepProgram, edge: int, by: float) -> StepProgram:
    (projection,) = program.pulses
    weight = np.array(projection.values["w"])
    weight[edge] += by
    return changed_projection(program, values={**projection.values, "w": weight})


def recovery_from_new_v(program: StepProgram) -> StepProgram:
    """Let u see the v of this step instead of the last one, by putting its statement after that of v."""
    item = program.populations["cells"]
    texts = {statement.target: statement for statement in item.integrate}
    late = Statement("_u", substitute(texts["_u"].expression, {"v": ast.Name("_v", ast.Load())}))
    temporaries = [texts["_v"], late]
    others = [statement for statement in item.integrate if statement.target not in ("_u", "_v")]
    fresh = [statement for statement in others if statement.target.startswith("_")]
    copies = [statement for statement in others if not statement.target.startswith("_")]
    changed = replace(item, integrate=(*fresh, *temporaries, *copies))
    return replace(program, populations={**program.populations, "cells": changed})


def exact_factor(program: StepProgram) -> StepProgram:
    """Decay the synaptic current by the exact factors over a step, where the program takes Euler's."""
    ratio = program.dt / float(TAU)
    decay = float(np.exp(-ratio))
    text = f"synaptic*{decay!r} + synaptic_rise*{np.e * ratio * decay!r}"
    return changed_statement(program, "_synaptic", lambda tree: ast.parse(text, mode="eval").body)


def nudged_once(program: StepProgram, step: int) -> StepProgram:
    """Add next to nothing to u of the first neuron, in one step."""
    begin, end = (step - 0.5) * program.dt, (step + 0.5) * program.dt
    now = ast.parse(f"1e-20*int(t > {begin!r} and t < {end!r} and i < 1)", mode="eval").body
    return changed_statement(program, "_u", lambda tree: ast.BinOp(tree, ast.Add(), now))


def reset_before_delivery(circuit: ns.Circuit) -> Brian2Simulator:
    """Return a Brian2 simulator that resets before it delivers."""
    simulator: Brian2Simulator = ns.compile(circuit, backend="brian2")
    session = simulator._prepared()
    reset = session.objects.groups["cells"].resetter["spike"]
    deliver = session.objects.synapses["recurrent"].pre
    runners = {run.__self__: run for run in session._runners}
    order = [item for item in runners if item is not reset]
    order.insert(order.index(deliver), reset)
    assert order != list(runners)
    session._runners = [runners[item] for item in order]
    return simulator
