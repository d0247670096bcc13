"""A circuit as a ``SequentialState`` of Norse: as a module, and as a script that needs no neurosim."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.interop.layers import Layers, read_layers, refusal
from neurosim.interop.norse_layers.plan import plan_of
from neurosim.interop.script_files import checked_target, write_script
from neurosim.interop.torch_script import script

LIBRARY = "norse"


def to_norse(circuit: Circuit, *, dtype: Any = "float32") -> Any:
    """Return a circuit as a ``norse.torch.SequentialState`` of weights and cells.

    Layer l (from 1, behind the source) has its spike of step k at index ``k - l``, as with
    :func:`~neurosim.interop.to_snntorch`; but for that shift the spikes are the same (in float64). Norse integrates by
    forward Euler; a circuit with another method gets the inverse time constants with which that does the same to it.

    Parameters
    ----------
    circuit
        As in :func:`~neurosim.interop.to_snntorch`, within what Norse has cells for: ``LIFCell`` (a synaptic current,
        v set by a spike), ``LIFRecurrentCell`` (the same, recurrent), ``LIFBoxCell`` (pulses that act in one step, and
        v set by a spike, or pulses on v, and v lowered by the way from rest to threshold), ``LICell`` and ``LIBoxCell``
        (no spikes).
    dtype
        ``"float32"`` or ``"float64"``, or torch's own.

    Returns
    -------
    norse.torch.SequentialState
        ``output, state = network(spikes, state)`` does one step, with spikes (batch, *shape of the source);
        ``norse.torch.Lift(network)`` does many. Voltages count from rest.

    Raises
    ------
    UnsupportedError
        If Norse cannot hold something of the circuit, with everything that is in the way.
    """
    from neurosim.backends.snntorch.devices import checked_dtype
    from neurosim.interop.norse_layers.network import build

    layers = read_layers(circuit, LIBRARY)
    return build(*_checked_plan(circuit, layers), layers.dt, checked_dtype(dtype))


def export_norse(circuit: Circuit, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write what :func:`to_norse` returns as a script: ``path``, and its weights in the ``.npz`` of the same name.

    Parameters
    ----------
    circuit
        As in :func:`to_norse`.
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
        As in :func:`to_norse`.
    """
    from neurosim.interop.norse_layers import network

    target = checked_target(path, LIBRARY, "torch", overwrite=overwrite)
    layers = read_layers(circuit, LIBRARY)
    plan, arrays = _checked_plan(circuit, layers)
    text = script(layers, LIBRARY, network, plan, build="PLAN, arrays, DT", run="load(dtype), PLAN")
    write_script(target, text, arrays)
    return target


def _checked_plan(circuit: Circuit, layers: Layers) -> tuple[list[dict[str, Any]], Mapping[str, np.ndarray]]:
    plan, arrays, problems = plan_of(layers)
    if problems:
        raise refusal(circuit, LIBRARY, problems)
    return plan, arrays
