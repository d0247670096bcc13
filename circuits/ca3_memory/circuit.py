"""A spiking memory that answers by address and by content, as Casanueva-Morato et al. built it for SpiNNaker."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.circuit import AllToAll, Circuit, Edges, NeuronModel, OneToOne, Signal
from neurosim.circuits.ca3_memory.operations import Programme, demonstration, drive
from neurosim.circuits.ca3_memory.protocol import PUBLISHED
from neurosim.circuits.spinnaker import RECEPTOR, current_exponential
from neurosim.errors import CircuitError, nearest
from neurosim.models import pair_stdp
from neurosim.units import ms, mV, nA, nF

NAME = "ca3-memory"
#: The plastic projections: what a cue brings back, and which cues a bit brings back.
FORWARD, BACKWARD = "cue_to_content", "content_to_cue"
#: What is fed with the lines that spike: 1 where a line spikes in a step, else 0.
PROGRAMME = "programme"


def build(
    *,
    cue: int = 5,
    content: int = 10,
    programme: Programme | str | None = None,
    weight: Any = 6 * nA,
    gate_weight: Any = 9 * nA,
    opening_weight: Any = 2 * nA,
    inhibition_per_bit: Any = 6 * nA,
    a_plus: Any = 6 * nA,
    a_minus: Any = 6 * nA,
    w_max: Any = 6 * nA,
    tau_plus: Any = 3 * ms,
    tau_minus: Any = 3 * ms,
    post_first: bool = True,
    v_rest: Any = -60 * mV,
    v_threshold: Any = -57 * mV,
    v_threshold_out: Any = -57.5 * mV,
    tau_slow: Any = 3 * ms,
    c_slow: Any = 0.27 * nF,
    tau_fast: Any = 0.5 * ms,
    c_fast: Any = 0.14 * nF,
    tau_syn: Any = 0.3 * ms,
    tau_ref: Any = 1 * ms,
    scaling: float | None = None,
) -> Circuit:
    """Build the circuit.

    Parameters
    ----------
    cue, content
        How many memories there are (each has a cue of its own), and of how many bits.
    programme
        What spikes on the input lines in a run that is not told: operations with their steps, or the name of a
        published experiment, whose size `cue` and `content` must then be. By default a short demonstration.
    weight
        Of most projections: one spike fires the neuron.
    gate_weight, opening_weight
        From a bit to its gate, and from the unit for any bit to all gates. The gate stays shut where `weight` is taken
        from the first, unless the second is added.
    inhibition_per_bit
        Times the number of bits: inhibition onto the cues that content brings back.
    a_plus, a_minus, w_max, tau_plus, tau_minus
        Change of a plastic weight for a pair of spikes at once, largest weight, time constants.
    post_first
        Whether the postsynaptic of two spikes that reach a plastic edge in one step acts first.
    v_rest, v_threshold, v_threshold_out
        Resting potential, which is also the reset, and thresholds.
    tau_slow, c_slow, tau_fast, c_fast
        Membrane time constants and capacitances of the two kinds of neuron.
    tau_syn, tau_ref
        Time constant of synaptic currents, refractory period.
    scaling
        Factor of all synaptic input; by default the machine's, which keeps the charge of a pulse.

    Returns
    -------
    Circuit
        Populations ``"input"`` and ``"out"`` (cues, then bits) and between them ``"cue_cue"``, ``"content_cue"``,
        ``"gate"``, ``"any_content"``, ``"content_content"``, ``"cue_content"``, ``"merge_cue"``, ``"merge_content"``;
        plastic projections ``"cue_to_content"`` and ``"content_to_cue"``; injection ``"programme"``. Other constants
        are reached by ``replace``: ``{"gate_closing.delay": ...}``.

    Raises
    ------
    CircuitError
        If there is no cue or bit, or the programme does not fit.

    Notes
    -----
    The step of 1 ms, the refractory period of one step and the scaling of inputs belong to the model, which is made for
    a machine with a clock (:mod:`neurosim.circuits.spinnaker`): delays are one step shorter here than published. The
    postsynaptic spike of a plastic edge goes back over the delay of the edge, 1 ms.

    Some descriptions of such rules multiply amplitudes by w_max; the published tables come out only where 6 nA is
    absolute.

    References
    ----------
    D. Casanueva-Morato et al., Neural Networks 178, 106474 (2024), arXiv:2310.05868; values from
    ``config/network_config.json`` of the authors' repository.
    """
    if min(cue, content) < 1:
        raise CircuitError(f"{NAME}: cue={cue} and content={content}: there must be one of each at least.")
    circuit = Circuit(NAME, dt=1 * ms)
    shared: dict[str, Any] = {"v_rest": v_rest, "tau_syn": tau_syn, "tau_ref": tau_ref, "scaling": scaling}
    slow = current_exponential(**shared, v_threshold=v_threshold, tau_m=tau_slow, c=c_slow, name="slow")
    fast = current_exponential(**shared, v_threshold=v_threshold, tau_m=tau_fast, c=c_fast, name="fast")
    ends = current_exponential(**shared, v_threshold=v_threshold_out, tau_m=tau_slow, c=c_slow, name="out")
    line = NeuronModel("drive : 1", threshold="drive > 0.5", name="line")
    lines = circuit.population("input", cue + content, line)
    for name, n, model in (
        ("cue_cue", cue, slow), ("content_cue", content, slow), ("gate", content, fast), ("any_content", 1, fast),
        ("content_content", content, slow), ("cue_content", cue, fast), ("merge_cue", cue, slow),
        ("merge_content", content, slow),
    ):  # fmt: skip
        circuit.population(name, n, model)
    out = circuit.population("out", cue + content, ends)

    def pulses(pre: Any, post: Any, rule: Any, strength: Any, delay: int, name: str) -> None:
        circuit.connect(pre, post, rule, receptor=RECEPTOR, weight=strength, delay=(delay - 1) * ms, name=name)

    rule = pair_stdp(
        a_plus=a_plus, a_minus=a_minus, w_max=w_max, tau_plus=tau_plus, tau_minus=tau_minus, amplitude="absolute",
        transmit="after", post_first=post_first,
    )  # fmt: skip
    same, all_pairs, others = OneToOne(), AllToAll(), Edges(*np.nonzero(~np.eye(cue, dtype=bool)))
    wide = inhibition_per_bit * content
    pulses(lines[:cue], "cue_cue", same, weight, 1, "input_cue")
    pulses(lines[cue:], "content_cue", same, weight, 1, "input_content")
    for pre, post, name in (("cue_cue", "content_cue", FORWARD), ("content_content", "cue_content", BACKWARD)):
        circuit.connect(
            pre, post, all_pairs, synapse=rule, receptor=RECEPTOR, weight=0 * nA, post_delay=1 * ms, name=name
        )
    pulses("cue_cue", "cue_content", same, weight, 2, "cue_echo")
    if cue > 1:
        pulses("cue_cue", "cue_content", others, -wide, 3, "cue_competition")
        pulses("cue_content", "cue_content", others, -wide, 2, "recalled_competition")
    pulses("cue_cue", "gate", all_pairs, -weight, 2, "gate_closing")
    pulses("content_cue", "gate", same, gate_weight, 1, "gate_input")
    pulses("content_cue", "any_content", all_pairs, weight, 1, "any_input")
    pulses("any_content", "gate", all_pairs, opening_weight, 1, "gate_opening")
    pulses("gate", "content_content", same, weight, 1, "gated")
    pulses("cue_cue", "merge_cue", same, weight, 3, "cue_direct")
    pulses("content_cue", "merge_content", same, weight, 3, "content_recalled")
    pulses("cue_content", "merge_cue", same, weight, 1, "cue_recalled")
    pulses("content_content", "merge_content", same, weight, 1, "content_direct")
    pulses("merge_cue", out[:cue], same, weight, 1, "out_cue")
    pulses("merge_content", out[cue:], same, weight, 1, "out_content")
    circuit.inject(PROGRAMME, lines, "drive", _signal(programme, cue, content))
    return circuit


def _signal(programme: Programme | str | None, cue: int, content: int) -> Signal | None:
    if isinstance(programme, str):
        if programme not in PUBLISHED:
            raise CircuitError(f"{NAME}: there is no experiment {programme!r}.{nearest(programme, PUBLISHED)}")
        experiment = PUBLISHED[programme]
        if (cue, content) != (experiment.cue, experiment.content):
            raise CircuitError(
                f"{NAME}: the experiment {programme!r} is for cue={experiment.cue}, content={experiment.content}."
            )
        programme = experiment.programme
    programme = demonstration(cue, content) if programme is None else programme
    if not programme:
        return None
    return Signal(drive(programme, cue, content).astype(float), 1 * ms)
