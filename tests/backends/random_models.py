"""Neurons with nonlinear membranes, thresholds that move or are soft, and two compartments, for random circuits.

Each function returns a model; by receptor the weight of a pulse, and by input variable the conductance and the size of
graded input that move it; and initial values near or above its threshold, so that it spikes within a few steps.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

import neurosim as ns
from neurosim.units import Mohm, kHz, ms, mV, nS, pA

Draw = Any
Kind = tuple[ns.NeuronModel, dict[str, Any], dict[str, Any]]

NMDA = ns.NMDA(2 * ms, 100 * ms, 0 * mV)
RISE = ns.DoubleExponential(0.5 * ms, 10 * ms, 0 * mV)


def _conductances(draw: Draw) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return receptors and the weights of pulses to them."""
    kind = draw(st.sampled_from(["nmda", "rise", "both"]))
    receptors = {name: one for name, one in (("nmda", NMDA), ("rise", RISE)) if kind in (name, "both")}
    return receptors, {name: 30 * nS for name in receptors}


def _escaping(draw: Draw) -> Kind:
    receptors, weights = _conductances(draw)
    # Not with rk4 for the exponential: its stages overflow where the membrane escapes, and v would be no number.
    maker, method = draw(st.sampled_from([
        (ns.models.quadratic_if, "euler"), (ns.models.quadratic_if, "rk4"), (ns.models.exponential_if, "euler"),
    ]))  # fmt: skip
    model = maker(receptors=receptors, tau_ref=draw(st.sampled_from([None, 1 * ms])), method=method)
    return model, {"pulse": weights, "graded": {"i_ext": (8 * nS, 2500 * pA)}}, {"v": ns.Uniform(-60 * mV, -40 * mV)}


def _generalised(draw: Draw) -> Kind:
    # Its exact solution takes Brian2 a second to find; it is held against Brian2 with the models.
    model = ns.models.generalised_if(receptors={"fast": 5 * ms}, method=draw(st.sampled_from(["euler", "rk4"])))
    return (
        model,
        {"pulse": {"fast": 900 * pA}, "graded": {"i_ext": (8 * nS, 900 * pA)}},
        {"v": ns.Uniform(-65 * mV, -45 * mV)},
    )


def _timescales(draw: Draw) -> Kind:
    tau_ref = draw(st.sampled_from([0.5, 2])) * ms
    model = ns.models.multi_timescale_threshold(receptors={"fast": 5 * ms}, tau_ref=tau_ref, method="euler")
    return (
        model,
        {"pulse": {"fast": 500 * pA}, "graded": {"i_ext": (8 * nS, 700 * pA)}},
        {"v": ns.Uniform(-65 * mV, -45 * mV)},
    )


def _soft(draw: Draw) -> Kind:
    receptors, weights = _conductances(draw)
    model = ns.models.stochastic_lif(
        tau_mem=10 * ms, r=100 * Mohm, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-60 * mV, softness=2 * mV,
        rate=2 * kHz, tau_ref=draw(st.sampled_from([None, 1 * ms])), receptors=receptors, method="exponential_euler",
    )  # fmt: skip
    return model, {"pulse": weights, "graded": {"i_ext": (3 * nS, 300 * pA)}}, {"v": ns.Uniform(-58 * mV, -46 * mV)}


def _morris_lecar(draw: Draw) -> Kind:
    # Currents, and small conductances: its capacitance is small, so that large ones are stiff at this step.
    model = ns.models.morris_lecar(receptors={"fast": 3 * ms}, method=draw(st.sampled_from(["rk4", "euler"])))
    return (
        model,
        {"pulse": {"fast": 60 * pA}, "graded": {"i_ext": (0.5 * nS, 300 * pA)}},
        {"v": ns.Uniform(-40 * mV, 10 * mV)},
    )


def _pyramidal(draw: Draw) -> Kind:
    dendrite, weights = _conductances(draw)
    model = ns.models.pyramidal(receptors={"fast": 3 * ms}, dendrite_receptors=dendrite)
    return (
        model,
        {"pulse": {"fast": 2000 * pA, **weights}, "graded": {"i_ext": (20 * nS, 4000 * pA)}},
        {"v": ns.Uniform(-65 * mV, -45 * mV), "v_dend": ns.Uniform(-70 * mV, -30 * mV)},
    )


MORE_KINDS = [_escaping, _generalised, _timescales, _soft, _morris_lecar, _pyramidal]
