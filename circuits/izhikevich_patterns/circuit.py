"""One of the twenty firing patterns of 2004: a single simple neuron with the input that brings the pattern out."""

from __future__ import annotations

from neurosim.circuit import Circuit, NeuronModel, Signal
from neurosim.circuits.izhikevich_patterns.protocol import PATTERNS
from neurosim.errors import CircuitError, nearest
from neurosim.units import ms

NAME = "izhikevich-patterns"
#: From which v the recovery takes its step.
SCHEMES = {"original": "v_next", "synchronous": "v"}
PARAMETERS = ("a", "b", "c", "d", "step", "linear", "constant", "shift", "restoring")


def build(*, pattern: str = "A", scheme: str = "original") -> Circuit:
    """Build the circuit.

    Parameters
    ----------
    pattern
        ``"A"`` to ``"T"``, the panel of the figure; ``PATTERNS`` in ``protocol.py`` lists them.
    scheme
        ``"original"``: one step of v, then u from the new v, as the paper's program does it. ``"synchronous"``: both
        from the old values, Euler's method. Both spike where ``v > 30``. The scheme is part of the model.

    Returns
    -------
    Circuit
        Population ``"cell"`` of one neuron and its input ``"stimulus"``; its dt is that of the paper's program. A run
        of ``PATTERNS[pattern].steps`` steps is the panel.

    Raises
    ------
    CircuitError
        If the pattern or the scheme is unknown.

    Notes
    -----
    Spikes in the original scheme: A 5, B 1, F 6, G 10, I 1, J 1, K 1, L 1, M 1, O 1, R 1, the same as where the
    equations are integrated finely. The counts of the others depend on scheme and step; T has none that it tends to.

    References
    ----------
    E. M. Izhikevich: Which model to use for cortical spiking neurons? IEEE Transactions on Neural Networks 15,
    1063-1070 (2004), doi:10.1109/TNN.2004.832719.
    """
    if pattern not in PATTERNS:
        raise CircuitError(f"{NAME}: unknown pattern {pattern!r}.{nearest(str(pattern), PATTERNS)}")
    if scheme not in SCHEMES:
        raise CircuitError(f"{NAME}: unknown scheme {scheme!r}.{nearest(str(scheme), SCHEMES)}")
    chosen = PATTERNS[pattern]
    cell = NeuronModel(
        "v : 1\nu : 1\ni_ext : 1",
        threshold="v > 30",
        reset="v = c; u += d",
        update="v_next = v + step*(0.04*v**2 + linear*v + constant - u + i_ext)\n"
        f"u_next = u + step*a*(b*({SCHEMES[scheme]} + shift) - restoring*u)\n"
        "v = v_next; u = u_next",
        parameters={name: getattr(chosen, name) for name in PARAMETERS},
        initial={"v": chosen.v0, "u": chosen.b * chosen.v0 if chosen.u0 is None else chosen.u0},
        name=chosen.title,
    )
    circuit = Circuit(NAME, dt=chosen.step * ms)
    circuit.population("cell", 1, cell)
    circuit.inject("stimulus", "cell", "i_ext", Signal(chosen.input(), chosen.step * ms))
    return circuit
