"""A circuit as plain layers of snnTorch: as a module, and as a script that needs no neurosim."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.circuit.circuit import Circuit
from neurosim.interop.layers import read_layers
from neurosim.interop.script_files import checked_target, write_script
from neurosim.interop.snntorch_layers.plan import plan_of
from neurosim.interop.torch_script import script

if TYPE_CHECKING:
    from neurosim.interop.snntorch_layers.network import Network

LIBRARY = "snntorch"


def to_snntorch(circuit: Circuit, *, dtype: Any = "float32") -> Network:
    """Return a circuit as ``snntorch.Leaky`` and ``snntorch.Synaptic`` layers with weights between them.

    Layer l (from 1, behind the source) has its spike of step k at index ``k - l``: a layered network passes a spike on
    within the step, a circuit after the threshold was looked at. But for that shift the spikes are the same (in
    float64; float32 rounds otherwise).

    Parameters
    ----------
    circuit
        One :class:`SpikeSource` and a chain of populations behind it, each with spikes to itself at most: linear
        membranes with currents (:func:`~neurosim.models.lif`, :func:`~neurosim.models.leaky_integrator`, or equations
        and discrete maps of your own that are such) and no delays. Constant currents, and neurons that spike in every
        step (``threshold="True"``, as batch normalisation leaves them), are kept.
    dtype
        ``"float32"`` or ``"float64"``, or torch's own.

    Returns
    -------
    torch.nn.Module
        ``outputs, state = network(spikes)``, ``outputs[layer]`` of shape (time, batch, *shape); a layer that does not
        spike puts its voltage out, as it stands before the pulses of the step. What neurons reset to, and what a spike
        takes from them, is kept; weights are parameters.

    Raises
    ------
    UnsupportedError
        If layers cannot hold something of the circuit, with everything that is in the way.

    Examples
    --------
    >>> import neurosim as ns, torch
    >>> from neurosim.units import ms
    >>> circuit = ns.Circuit("two", dt=1 * ms)
    >>> cell = ns.models.lif(tau_mem=20*ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0, receptors={"syn": 5*ms})
    >>> given, hidden = circuit.source("in", ns.SpikeSource(3)), circuit.population("hidden", 2, cell)
    >>> _ = circuit.connect(given, hidden, ns.AllToAll(), receptor="syn", weight=2.0)
    >>> outputs, _ = ns.interop.to_snntorch(circuit)(torch.ones(10, 1, 3))
    >>> outputs["hidden"].sum(0).tolist()
    [[7.0, 7.0]]
    """
    from neurosim.backends.snntorch.devices import checked_dtype
    from neurosim.interop.snntorch_layers.network import build

    return build(*plan_of(read_layers(circuit, LIBRARY)), checked_dtype(dtype))


def export_snntorch(circuit: Circuit, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write what :func:`to_snntorch` returns as a script: ``path``, and its weights in the ``.npz`` of the same name.

    Parameters
    ----------
    circuit
        As in :func:`to_snntorch`.
    path
        Ends in ``.py``.
    overwrite
        Whether files that exist may be replaced.

    Returns
    -------
    pathlib.Path
        The script. ``load()`` in it returns the network, and ``python FILE.py spikes.npy --save out.npz`` runs it.

    Raises
    ------
    FileFormatError
        If a file exists already, or the path does not end in ``.py`` or would hide a module.
    UnsupportedError
        As in :func:`to_snntorch`.
    """
    from neurosim.interop.snntorch_layers import network

    target = checked_target(path, LIBRARY, "torch", overwrite=overwrite)
    layers = read_layers(circuit, LIBRARY)
    plan, arrays = plan_of(layers)
    text = script(layers, LIBRARY, network, plan, build="PLAN, arrays", run="load(dtype)")
    write_script(target, text, arrays)
    return target
