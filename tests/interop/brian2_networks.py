"""Networks as users of Brian2 write them: with Brian2 alone, each in the style of its examples and documentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from brian2 import (
    Equations,
    Network,
    NeuronGroup,
    PoissonGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    cm,
    ms,
    msiemens,
    mV,
    nA,
    nS,
    pF,
    second,
    seed,
    siemens,
    ufarad,
    umetre,
)

__all__ = ["NETWORKS", "PoissonGroup", "Script"]


@dataclass
class Script:
    """A network, its constants as ``run(namespace=...)`` takes them, and how long it is run."""

    network: Network
    namespace: dict[str, Any]
    duration: Any
    least_spikes: int
    renamed: dict[str, str] = field(default_factory=dict)  # "object.variable" of Brian2 -> name in the circuit


def cuba(method: str = "euler") -> Script:
    """Connect a balanced network of current pulses, parts of one group, a delay off the grid."""
    seed(1)
    namespace = {
        "tau": 20 * ms, "vt": -50 * mV, "vr": -60 * mV, "El": -42 * mV, "taue": 5 * ms, "we": 6 * mV, "wi": -10 * mV,
    }  # fmt: skip
    model = """
    dv/dt  = (ge-(v-El))/tau : volt (unless refractory)
    dge/dt = -ge/taue : volt
    """
    cells = NeuronGroup(
        60, model, threshold="v>vt", reset="v = vr", refractory=5 * ms, method=method, name="P", namespace=namespace
    )
    cells.v = "vr + i*(vt - vr)/N"
    excitatory = Synapses(cells[:48], cells, on_pre="ge += we", name="Ce", delay=1.23 * ms)
    excitatory.connect(p=0.1)
    inhibitory = Synapses(cells[48:], cells, on_pre="ge += wi", name="Ci")
    inhibitory.connect(p=0.1)
    network = Network(cells, excitatory, inhibitory, SpikeMonitor(cells, name="spikes_P"))
    return Script(network, namespace, 30 * ms, 60)


def coba() -> Script:
    """Conductances, weights in the code, values per neuron, a refractory period that is a parameter."""
    seed(2)
    namespace = {"taum": 20 * ms, "taue": 5 * ms, "taui": 10 * ms, "Vt": -50 * mV, "Vr": -60 * mV, "El": -60 * mV,
                 "Ee": 0 * mV, "Ei": -80 * mV}  # fmt: skip
    cells = NeuronGroup(
        40,
        """
        dv/dt  = (ge*(Ee-v) + gi*(Ei-v) + I - (v-El))/taum : volt (unless refractory)
        dge/dt = -ge/taue : 1
        dgi/dt = -gi/taui : 1
        I : volt
        period : second (constant)
        unused : 1
        """,
        threshold="v > Vt", reset="v = Vr", refractory="period", method="euler", name="cells",
        namespace={"El": namespace["El"]},
    )  # fmt: skip
    cells.v = "El + 8*mV*rand()"
    cells.I = "20*mV - i*0.1*mV"
    cells.period = "(3 + i % 4)*ms"
    strong = Synapses(cells, cells, "w : 1\nunread : 1", on_pre="ge += w", name="strong")
    strong.connect(condition="i != j and i < 32", p=0.2)
    strong.w = "0.3 + 0.3*rand()"
    strong.delay = "rand()*4*ms"
    inhibition = Synapses(cells, cells, on_pre="gi_post += 1.5", name="inhibition")
    inhibition.connect(condition="i >= 32", p=0.2)
    return Script(Network(cells, strong, inhibition), namespace, 35 * ms, 60)


def izhikevich() -> Script:
    """Izhikevich neurons in physical units, two synapses between the same neurons, spikes that are given."""
    seed(3)
    namespace: dict[str, Any] = {"tau_I": 4 * ms}
    cells = NeuronGroup(
        20,
        """
        dv/dt = (0.04/ms/mV)*v**2 + (5/ms)*v + 140*mV/ms - u + I/ms : volt
        du/dt = a*(b*v - u) : volt/second
        dI/dt = -I/tau_I : volt
        a : Hz (constant)
        b = 0.2/ms : Hz
        c : volt (constant)
        """.replace("Hz", "1/second"),
        threshold="v >= 30*mV",
        reset="v = c\nu += 8*mV/ms  # the recovery jumps",
        method="euler", name="izhikevich",
    )  # fmt: skip
    cells.v = -65 * mV
    cells.u = "b*v"
    cells.a = "(0.02 + 0.004*i)/ms"
    cells.c = "-65*mV + 0.5*i*mV"
    outside = SpikeGeneratorGroup(
        10, np.tile(np.arange(10), 12), np.repeat(np.arange(12) * 5.0, 10) * ms + np.tile(np.arange(10), 12) * 0.1 * ms,
        name="outside",
    )  # fmt: skip
    feed = Synapses(outside, cells, "strength : volt", on_pre="I += strength", name="feed")
    feed.connect(j="k for k in range(20) if (i + k) % 3 == 0")
    feed.strength = "10*mV + i*mV"
    feed.delay = "0.3*ms*(j % 4)"
    first = Synapses(cells, cells, "weight : volt", on_pre="I_post += weight", name="recurrent", delay=2 * ms)
    first.connect(p=0.3)
    first.weight = 2 * mV
    again = Synapses(cells, cells, on_pre="I -= 1.5*mV; I += 0.25*mV", name="again")
    again.connect(j="i")
    return Script(Network(cells, outside, feed, first, again), namespace, 40 * ms, 30)


def adaptive_exponential() -> Script:
    """AdEx with a sub-expression, a current from an array over time, noise-free, from rest."""
    C, gL, EL, VT, DeltaT = 281 * pF, 30 * nS, -70.6 * mV, -50.4 * mV, 2 * mV
    drive = TimedArray(np.array([0, 0.8, 1.2, 0.4, 1.0]) * nA, dt=10 * ms)
    each = TimedArray(np.linspace(0, 0.4, 40).reshape(8, 5) * nA, dt=5 * ms)
    namespace = {"C": C, "gL": gL, "EL": EL, "VT": VT, "DeltaT": DeltaT, "Vcut": VT + 5 * DeltaT, "tauw": 40 * ms,
                 "adapt": 4 * nS, "jump": 0.08 * nA, "Vr": -70.6 * mV, "drive": drive, "each": each}  # fmt: skip
    cells = NeuronGroup(
        5,
        """
        dvm/dt = (gL*(EL - vm) + upstroke + drive(t) + each(t, i) - w)/C : volt
        dw/dt = (adapt*(vm - EL) - w)/tauw : amp
        upstroke = gL*DeltaT*exp((vm - VT)/DeltaT) : amp
        """,
        threshold="vm > Vcut", reset="vm = Vr; w += jump", method="euler", name="AdEx",
    )  # fmt: skip
    cells.vm = EL
    return Script(Network(cells), namespace, 60 * ms, 5)


def hodgkin_huxley() -> Script:
    """Hodgkin-Huxley by exponential Euler, a refractory condition, synapses from part to part."""
    area = 20000 * umetre**2
    namespace = {
        "Cm": 1 * ufarad * cm**-2 * area, "gl": 5e-5 * siemens * cm**-2 * area, "El": -65 * mV, "EK": -90 * mV,
        "ENa": 50 * mV, "g_na": 100 * msiemens * cm**-2 * area, "g_kd": 30 * msiemens * cm**-2 * area, "VT": -63 * mV,
        "taue": 5 * ms, "Ee": 0 * mV, "we": 12 * nS,
    }  # fmt: skip
    cells = NeuronGroup(
        10,
        """
        dv/dt = (gl*(El-v) + ge*(Ee-v) - g_na*(m*m*m)*h*(v-ENa) - g_kd*(n*n*n*n)*(v-EK) + I)/Cm_total : volt
        dm/dt = alpha_m*(1-m) - beta_m*m : 1
        dn/dt = alpha_n*(1-n) - beta_n*n : 1
        dh/dt = alpha_h*(1-h) - beta_h*h : 1
        dge/dt = -ge/taue : siemens
        alpha_m = 0.32*(mV**-1)*4*mV/exprel((13*mV-v+VT)/(4*mV))/ms : Hz
        beta_m = 0.28*(mV**-1)*5*mV/exprel((v-VT-40*mV)/(5*mV))/ms : Hz
        alpha_h = 0.128*exp((17*mV-v+VT)/(18*mV))/ms : Hz
        beta_h = 4./(1+exp((40*mV-v+VT)/(5*mV)))/ms : Hz
        alpha_n = 0.032*(mV**-1)*5*mV/exprel((15*mV-v+VT)/(5*mV))/ms : Hz
        beta_n = .5*exp((10*mV-v+VT)/(40*mV))/ms : Hz
        I : amp
        """.replace("Hz", "hertz"),
        threshold="v > -20*mV", refractory="v > -20*mV", method="exponential_euler", name="HH",
        namespace={"Cm_total": namespace.pop("Cm"), "El": namespace["El"]},
    )  # fmt: skip
    cells.v = "El + 2*mV*i/N"
    cells.I = "0.2*nA + 0.05*nA*i"
    links = Synapses(cells[:5], cells[3:], on_pre="ge += we", name="links")
    links.connect(condition="i != j", p=1)
    links.delay = "1*ms + 0.1*ms*i"
    return Script(Network(cells, links), namespace, 25 * ms, 20)


def stdp() -> Script:
    """Spike-timing dependent plasticity as in Brian2's documentation, with names that end in pre and post."""
    taupre = 20 * ms
    gmax = 0.05
    namespace = {
        "taum": 10 * ms, "Ee": 0 * mV, "vt": -54 * mV, "vr": -60 * mV, "El": -74 * mV, "taue": 5 * ms,
        "tau_pre": taupre, "tau_post": taupre, "gmax": gmax, "dA_pre": 0.01 * gmax, "dA_post": -0.0105 * gmax,
    }  # fmt: skip
    generator = np.random.default_rng(4)
    steps, neurons = np.nonzero(generator.random((1000, 50)) < 0.004)
    outside = SpikeGeneratorGroup(50, neurons, steps * 0.1 * ms, name="input")
    cells = NeuronGroup(
        3, "dv/dt = (ge*(Ee-v) + El - v)/taum : volt\ndge/dt = -ge/taue : 1",
        threshold="v>vt", reset="v = vr", method="euler", name="neurons",
        namespace={"vr": namespace["vr"], "vt": -54 * mV},
    )  # fmt: skip
    cells.v = "vr - i*mV"
    synapses = Synapses(
        outside, cells[1:],
        """
        w : 1
        dApre/dt = -Apre/tau_pre : 1 (event-driven)
        dApost/dt = -Apost/tau_post : 1 (event-driven)
        """,
        on_pre={
            "transmission": "ge += 8*w",
            "plasticity": """
            Apre += dA_pre
            w = clip(w + Apost, 0, gmax)
            """,
        },
        on_post="""
        Apost += dA_post
        w = clip(w + Apre, 0, gmax)
        """,
        name="S", namespace={"gmax": gmax},
    )  # fmt: skip
    synapses.connect()
    synapses.w = "gmax*(0.2 + 0.6*i/50)"
    synapses.transmission.delay = "0.1*ms*(i % 5)"
    synapses.plasticity.delay = "0.1*ms*(i % 5)"
    synapses.post.delay = 0.3 * ms
    lateral = Synapses(
        cells[1:], cells[:2], "x : 1\ny : 1", on_pre="ge_post += x; y += 0.1*j", on_post="x += 0.0005*y", name="lateral"
    )
    lateral.connect()
    lateral.x = "0.01 + 0.005*i"
    return Script(Network(outside, cells, synapses, lateral), namespace, 60 * ms, 4)


def clock_driven() -> Script:
    """Integrate a variable of edges in every step; facilitation in one synapse, depression in another."""
    namespace = {"taum": 12 * ms, "tau_f": 30 * ms, "tau_d": 50 * ms, "U": 0.2, "jump": 6 * mV}
    outside = SpikeGeneratorGroup(4, np.arange(60) % 4, np.arange(60) * 1.1 * ms, name="source")
    cells = NeuronGroup(6, "dv/dt = -v/taum : volt", threshold="v > 5*mV", reset="v = 0*mV", method="exact", name="G")
    facilitating = Synapses(
        outside, cells, "du/dt = -u/tau_f : 1 (clock-driven)\nscale : 1",
        on_pre="v_post += u*scale*jump\nu += U*(1 - u)", method="exact", name="facilitating",
    )  # fmt: skip
    facilitating.connect(p=1)
    facilitating.u = 0.1
    facilitating.scale = "1 + j/N_post"
    facilitating.delay = 0.5 * ms
    depressing = Synapses(
        outside, cells, "dx/dt = (1 - x)/tau_d : 1 (event-driven)\nshare : 1 (shared)",
        on_pre="release = share*x; v_post += release*jump; x -= release", name="depressing",
    )  # fmt: skip
    depressing.connect(j="(i + 1) % 6")
    depressing.x = 1
    depressing.share = 0.4
    return Script(Network(outside, cells, facilitating, depressing), namespace, 40 * ms, 5)


def gap_junctions() -> Script:
    """Gap junctions, and a layer of algebraic neurons that feeds another within the step."""
    tonic = TimedArray(np.array([0.3, 0.0, 0.1]), dt=10 * ms)
    namespace = {"tau": 10 * ms, "v0": 1.2, "half": 0.5, "tonic": tonic}
    cells = NeuronGroup(
        10, "dv/dt = (v0 - v + Igap + top + tonic(t))/tau : 1\nIgap : 1 # gap junction current\ntop : 1",
        threshold="v > 1", reset="v = 0", method="exact", name="junctions",
    )  # fmt: skip
    cells.v = "i*1.0/N"
    gaps = Synapses(cells, cells, "g : 1\ngap = v_pre - v_post : 1\nIgap_post = g*gap : 1 (summed)", name="gaps")
    gaps.connect(condition="i != j")
    gaps.g = "0.02 + 0.001*i"
    layer = NeuronGroup(3, "sum_in : 1\nrate = tanh(sum_in - half) : 1", name="layer")
    bottom = Synapses(cells, layer, "w : 1\nsum_in_post = w*v_pre : 1 (summed)", name="a_bottom")
    bottom.connect()
    bottom.w = "0.1*(i - j)/N_pre"
    up = Synapses(layer, cells[2:7], "w : 1\ntop_post = w*rate_pre : 1 (summed)", name="b_up")
    up.connect()
    up.w = 0.1
    return Script(Network(cells, gaps, layer, bottom, up), namespace, 40 * ms, 20)


def pathways() -> Script:
    """Several static pathways in one object, code on one target by several objects, parameters of the neurons read."""
    namespace = {"tau": 8 * ms, "w": 0.7}
    cells = NeuronGroup(
        6, "dv/dt = (1.2*gain - v)/tau : 1 (unless refractory)\ndx/dt = -x/tau : 1\ngain : 1\ncommon : 1 (shared)",
        threshold="v > 1 - 0.1*x", reset="v = 0; x += common", refractory=1 * ms, name="zz_cells",
    )  # fmt: skip
    cells.gain = "1 + 0.05*i"
    cells.v = "0.1*i"
    cells.common = 0.3
    both = Synapses(
        cells, cells, "a : 1\nb : 1 (constant)",
        on_pre={"fast": "v_post += a*gain_post", "slow": "v_post -= b*gain_pre*w"},
        delay={"slow": 3 * ms}, name="both",
    )  # fmt: skip
    both.connect(condition="abs(i - j) == 1")
    both.a = "0.02*(i + 1)"
    both.b = "0.03*(j + 1)"
    both.fast.delay = "0.2*ms*i"
    early = Synapses(cells, cells, on_pre="v += 0.013", name="aa_early")
    early.connect(j="(i + 2) % 6")
    one = Synapses(cells, cells, on_pre="v_post += (i - j)*0.02*N_incoming/N_outgoing/N_pre", name="by_index")
    one.connect(condition="i > j")
    clash = Synapses(cells, cells, on_pre="v_post += 0.001*N/N_post", name="both_graded")
    clash.connect(j="i")
    monitor = StateMonitor(cells, "v", record=True, name="trace")
    return Script(Network(cells, both, early, one, clash, monitor), namespace, 40 * ms, 20)


def second_order() -> Script:
    """Discrete things: a threshold alone, a boolean and an integer parameter, `t` and `lastspike` in equations."""
    namespace = {"tau": 10 * ms, "rate_": 2.0}
    cells = NeuronGroup(
        8,
        """
        dv__1/dt = (rate_*(1 + 0.2*sin(2*pi*t*40/second)) - v__1)/tau : 1
        dy_/dt = (v__1 - y_)/tau : 1
        on : boolean (constant)
        k : integer (constant)
        """,
        threshold="v__1 > 1 + 0.5*exp(-(t - lastspike)/tau) and on",
        reset="v__1 -= 0.1*k", refractory=0.5 * ms, method="rk2", name="_odd__name_",
    )  # fmt: skip
    cells.on = "i != 3"
    cells.k = "5 + i % 3"
    push = Synapses(cells, cells, "tau_ : 1", on_pre="y_ += tau_*y__pre_", name="push",
                    namespace={"y__pre_": 0.5})  # fmt: skip
    push.connect(j="(i + 1) % 8")
    push.tau_ = "0.1 + 0.01*i"
    renamed = {"_odd__name_.v__1": "v_1", "_odd__name_.y_": "y", "push.tau_": "w"}
    return Script(Network(cells, push), namespace, 30 * ms, 20, renamed)


def nmda() -> Script:
    """Sum what edges integrate, as receptors of NMDA: the same for all edges of a presynaptic neuron."""
    namespace = {"taum": 15 * ms, "tau_rise": 2 * ms, "tau_decay": 40 * ms, "tau_a": 3 * ms, "mg": 0.3}
    cells = NeuronGroup(
        8,
        """
        dv/dt = (1.15 + 0.05*i - v + bias + s_a + s_total*(2 - v)/(1 + mg*exp(-v)))/taum : 1 (unless refractory)
        ds_a/dt = -s_a/tau_a : 1
        s_total : 1
        bias : 1
        """,
        threshold="v > 1", reset="v = 0", refractory=2 * ms, method="euler", name="cells",
    )  # fmt: skip
    cells.v = "0.1*i"
    edges = Synapses(
        cells[1:], cells,
        """
        s_total_post = w*s*gain : 1 (summed)
        ds/dt = -s/tau_decay + alpha*x*(1 - s) : 1 (clock-driven)
        dx/dt = -x/tau_rise : 1 (clock-driven)
        w : 1
        gain = 1 + 0.1*j : 1
        alpha : Hz (shared)
        """,
        on_pre="s_a += 0.1*w\nx += 1", method="euler", name="glutamate",
    )  # fmt: skip
    edges.connect(condition="i + 1 != j")
    edges.w = "0.05*(i + 1) + 0.01*j"
    edges.delay = "0.1*ms*i"
    edges.alpha = 500 / second
    edges.x = "0.1*i"
    counting = Synapses(
        cells, cells, "n : 1\nbias_post = 0.001*n*(1 + j) : 1 (summed)", on_pre="n += 1", name="counting", delay=1 * ms
    )
    counting.connect(condition="i > j")
    return Script(Network(cells, edges, counting), namespace, 40 * ms, 20)


def written_otherwise() -> Script:
    """Write equations as objects with values put in, conditions with names, an array over time off the grid."""
    stimulus = TimedArray(np.array([0.2, 1.4, 2.0, 1.1]), dt=2.25 * ms)
    fine = TimedArray(np.linspace(0, 0.5, 400), dt=0.04 * ms)
    model = Equations("dv/dt = (inflow - v)/tau : 1", tau=5 * ms, inflow="current")
    model += Equations(
        """
        current = stimulus(t) + fine(t) + bias : 1
        high = v > limit : boolean
        ready = high and enabled : boolean
        enabled : boolean
        bias : 1 (constant, shared)
        """
    )
    cells = NeuronGroup(
        4, model, threshold="ready", reset="v -= 0.5*int(high)", method="euler", name="objects",
        namespace={"stimulus": stimulus, "fine": fine, "limit": 0.8, "bias": 7.0},
    )  # fmt: skip
    cells.v = "0.2*i"
    cells.enabled = "i > 0"
    cells.bias = 0.1
    return Script(Network(cells), {}, 25 * ms, 10)


NETWORKS: dict[str, Callable[..., Script]] = {
    script.__name__: script
    for script in (
        cuba, coba, izhikevich, adaptive_exponential, hodgkin_huxley, stdp, clock_driven, gap_junctions, pathways,
        second_order, written_otherwise, nmda,
    )
}  # fmt: skip
