"""Rate units: neurons whose output is a function of their summed input, with no memory of their own."""

from __future__ import annotations

from typing import Any

from neurosim.circuit.neuron_model import NeuronModel
from neurosim.errors import CircuitError, nearest
from neurosim.models.arguments import checked_arguments

#: What a rate unit does to its input, by name.
NONLINEARITIES = {
    "linear": "gain*x",
    "relu": "clip(gain*x, 0, inf)",
    "sigmoid": "1/(1 + exp(-gain*x))",
    "softplus": "clip(gain*x, 0, inf) + log1p(exp(-abs(gain*x)))",  # log(1 + exp(gain*x)) that does not overflow
    "step": "int(gain*x > 0)",
    "tanh": "tanh(gain*x)",
}


def rate_unit(*, gain: Any = 1.0, nonlinearity: str = "tanh", name: str = "rate_unit") -> NeuronModel:
    r"""Return an algebraic rate unit: :math:`r = f(gain\cdot x)`, where x is the sum of its inputs.

    It has no differential equation: r follows x within the step, and a chain of such units passes a signal through in
    one step. They may not form a cycle.

    Parameters
    ----------
    gain
        Factor of the input.
    nonlinearity
        ``"tanh"``, ``"sigmoid"``, ``"relu"``, ``"softplus"``, ``"linear"`` or ``"step"`` (1 above 0).
    name
        What the model is called in listings.

    Returns
    -------
    NeuronModel
        Input ``x`` and output ``r``, plain numbers. Connect with ``receptor="x"``: weights multiply the output of the
        presynaptic population.

    Raises
    ------
    CircuitError
        For an unknown nonlinearity.
    UnitError
        If the gain has a unit.

    Notes
    -----
    At x = 0, r is 0 (tanh, relu, linear, step), 0.5 (sigmoid) or 0.6931 (softplus); at gain*x = 1 it is 0.7616 (tanh),
    0.7311 (sigmoid), 1.3133 (softplus) and 1 (the others).

    References
    ----------
    H. R. Wilson, J. D. Cowan: Excitatory and inhibitory interactions in localized populations of model neurons.
    Biophysical Journal 12, 1-24 (1972), doi:10.1016/S0006-3495(72)86068-5 (the response function).
    """
    if nonlinearity not in NONLINEARITIES:
        raise CircuitError(
            f"model {name!r}: unknown nonlinearity {nonlinearity!r}.{nearest(str(nonlinearity), NONLINEARITIES)}"
        )
    return NeuronModel(
        f"r = {NONLINEARITIES[nonlinearity]} : 1\nx : 1",
        parameters=checked_arguments({"gain": (gain, "1")}, f"model {name!r}"),
        name=name,
    )
