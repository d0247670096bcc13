"""A rule of plasticity as an experimenter sees it: spikes imposed on both sides of a synapse, the weight read after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.analysis.weights import variables
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import OneToOne
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.sources import SpikeSource
from neurosim.circuit.synapse_model import RECEPTOR, WEIGHT, SynapseModel
from neurosim.circuit.values import as_value
from neurosim.errors import CircuitError
from neurosim.recording import Recording, SpikeTrains
from neurosim.units import canonical, quantity, seconds, unit_of

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

#: By default, in seconds: a step, the time after the last spike, that from one pair to the next. Quantities would load
#: Brian2 together with this module.
_STEP, _AFTER, _PERIOD = 1e-4, 10e-3, 1.0


def pair_protocol(
    synapse: SynapseModel,
    pre: Sequence[Any],
    post: Sequence[Any],
    *,
    weight: Any,
    dt: Any = None,
    delay: Any = None,
    post_delay: Any = None,
    after: Any = None,
    modulators: Mapping[str, float] | None = None,
    backend: str = "brian2",
) -> Recording:
    """Impose spikes on the two neurons of a single plastic synapse.

    Parameters
    ----------
    synapse
        Any rule whose ``on_pre`` adds to ``receptor_post``, or to nothing. What it transmits has no effect on the
        postsynaptic neuron.
    pre, post
        Times of the spikes on each side, quantities, at least one step after 0.
    weight
        Where the weight starts.
    dt
        Step, of which all times are multiples; by default 0.1 ms.
    delay, post_delay
        As in ``connect``.
    after
        How long the run goes on after the last spike; by default 10 ms.
    modulators
        Constant values of postsynaptic variables that the rule reads (plain numbers), such as ``{"reward": 1.0}``.
    backend
        Which simulates.

    Returns
    -------
    Recording
        Its trace ``["synapse"]["w"]`` is the weight in every step, its state holds the traces.

    Raises
    ------
    CircuitError
        If a time is no multiple of `dt` or does not lie after the first step.
    """
    from neurosim.backends.compile import simulate

    circuit = Circuit("pair_protocol", dt=quantity(_STEP, "second") if dt is None else dt)
    units = {name: "1" for name in modulators or {}}
    target = [item for item in synapse.on_pre_statements if item.target == RECEPTOR]
    unit = canonical(unit_of(weight)) if target else "1"
    declared = "\n".join(["v : 1", f"received : {unit}", *(f"{name} : {unit}" for name, unit in units.items())])
    # The reset takes away one push, not the next one, which has arrived in the same step.
    cell = NeuronModel(declared, threshold="v > 0.5", reset="v -= 1", name="imposed")
    circuit.source("pre", SpikeSource(1))
    circuit.source("impose", SpikeSource(1))
    circuit.population("post", 1, cell, initial=dict(modulators or {}))
    circuit.connect("impose", "post", OneToOne(), receptor="v", weight=1.0, name="imposing")
    circuit.connect(
        "pre", "post", OneToOne(), synapse=synapse, receptor="received" if target else None, weight=weight,
        delay=delay, post_delay=post_delay, name="synapse",
    )  # fmt: skip
    steps = {side: _steps(times, circuit.dt, side) for side, times in (("pre", pre), ("post", post))}
    last = max((int(values.max(initial=0)) for values in steps.values()), default=0)
    n_steps = last + 1 + int(np.ceil((_AFTER if after is None else seconds(after, "after")) / circuit.dt))
    # The neuron crosses its threshold one step after it was pushed.
    imposed = {"pre": steps["pre"], "impose": steps["post"] - 1}
    inputs = {
        name: SpikeTrains(values * circuit.dt, np.zeros(values.size, dtype=np.int64), 1)
        for name, values in imposed.items()
    }
    changing = {"synapse": WEIGHT} if WEIGHT in synapse.state else {}
    return simulate(
        circuit,
        quantity(n_steps * circuit.dt, "second"),
        backend=backend,
        inputs=inputs,
        record={"post": "spikes", **changing},
    )


def stdp_window(
    synapse: SynapseModel,
    intervals: Any,
    *,
    weight: Any,
    pairs: int = 1,
    period: Any = None,
    dt: Any = None,
    backend: str = "brian2",
    **options: Any,
) -> xr.DataArray:
    r"""Return by how much pairs of spikes change the weight, over their interval.

    .. math::

        \Delta w(\Delta t) = w_{\text{after}} - w_{\text{before}}, \qquad \Delta t = t_{post} - t_{pre}

    Parameters
    ----------
    synapse
        Any plastic rule.
    intervals
        A quantity array of intervals, multiples of `dt`.
    weight
        Where the weight starts, for every interval.
    pairs, period
        How many pairs, and the time from one to the next, by default 1 s.
    dt, backend, options
        As in :func:`pair_protocol`.

    Returns
    -------
    xarray.DataArray
        Dimension ``interval`` (s), values in the unit of the weight (``attrs["units"]``).
    """
    import xarray as xr

    dt = quantity(_STEP, "second") if dt is None else dt
    step = seconds(dt, "dt")
    gaps = np.atleast_1d(np.asarray(as_value(intervals, "second", "intervals"), dtype=np.float64))
    every = _PERIOD if period is None else seconds(period, "period")
    unit = canonical(unit_of(weight))
    before = float(np.asarray(as_value(weight, unit, "weight")))
    start = np.abs(gaps).max(initial=0.0) + 2 * step
    changes = []
    for gap in gaps:
        pre = [quantity(np.round((start + every * number) / step) * step, "second") for number in range(pairs)]
        post = [time + quantity(float(gap), "second") for time in pre]
        run = pair_protocol(synapse, pre, post, weight=weight, dt=dt, backend=backend, **options)
        changes.append(float(variables(run)["synapse"][WEIGHT][0, 0]) - before)
    return xr.DataArray(
        np.array(changes), dims=("interval",), coords={"interval": ("interval", gaps, {"units": "second"})},
        name="change of weight", attrs={"units": unit, "synapse": synapse.name, "pairs": pairs},
    )  # fmt: skip


def plot_window(window: xr.DataArray, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw what :func:`stdp_window` returned, in milliseconds; return the axes."""
    import matplotlib.pyplot as plt

    axes = plt.subplots()[1] if ax is None else ax
    axes.axhline(0, color="0.7", lw=0.8)
    axes.axvline(0, color="0.7", lw=0.8)
    axes.plot(window["interval"].values * 1e3, window.values, **{"marker": ".", "lw": 1.2, **style})
    unit = window.attrs["units"]
    axes.set(xlabel="post after pre (ms)", ylabel="change of weight" + ("" if unit == "1" else f" ({unit})"))
    return axes


def _steps(times: Sequence[Any], dt: float, side: str) -> np.ndarray:
    """Return times in steps."""
    values = np.array([seconds(time, f"{side}: a spike") for time in times], dtype=np.float64)
    steps = np.floor(values / dt + 0.5)
    if np.any(np.abs(values / dt - steps) > 1e-6 * np.maximum(1.0, steps)) or np.any(steps < 1):
        raise CircuitError(f"{side}: spikes must be at multiples of dt = {dt:g} s, from the first on; got {values} s.")
    return steps.astype(np.int64)
