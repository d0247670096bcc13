"""A circuit fitted to the spike counts of a recorded population, by gradient, and scored on time held out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from neurosim.analysis.features import Features
from neurosim.analysis.spikes import bits_per_spike
from neurosim.backends import compile as compile_circuit
from neurosim.backends.snntorch.module import CircuitModule
from neurosim.circuit import Circuit
from neurosim.errors import AnalysisError
from neurosim.fitting.baselines import own_past, same_bin_ridge
from neurosim.fitting.held_out import Neurons, held_out_part
from neurosim.fitting.population.binned import Grid
from neurosim.fitting.population.inputs import Seen, seen
from neurosim.fitting.population.result import CIRCUIT, OWN_PAST, RIDGE, PopulationFit, scores_of
from neurosim.fitting.population.target import Target, targets_of
from neurosim.fitting.population.values import fitted_values, values_of
from neurosim.fitting.population.windows import Cut, Windows
from neurosim.recording import Recording
from neurosim.recording.times import one_time
from neurosim.training import Trainer
from neurosim.training.terms import Outputs, Sum

Floats = NDArray[np.float64]


def fit_population(
    circuit: Circuit,
    recording: Recording,
    pairs: Mapping[str, str],
    *,
    inputs: Mapping[str, Any],
    neurons: Mapping[str, ArrayLike] | None = None,
    held_out: Any = None,
    bin: Any = None,
    latency: Any = 0.0,
    log: bool = False,
    epochs: int = 60,
    batch_size: int = 32,
    learning_rate: float = 0.03,
    weight_decay: float = 0.3,
    window: int = 100,
    lead: int = 20,
    reach: int = 64,
    seed: int = 0,
    dtype: str = "float32",
    device: str = "cpu",
    show_progress: bool = True,
) -> PopulationFit:
    """Fit what is trainable in a circuit to spike counts, by their Poisson likelihood.

    Parameters
    ----------
    circuit
        With something trainable, such as :func:`rate_network`.
    recording
        Holds the spikes that are predicted.
    pairs
        By the address of a rate in the circuit, such as ``"out.rate"``, the population of the recording that it
        predicts. The rate is in hertz, or in spikes a step where it has no unit.
    inputs
        What the circuit sees, by source or injection: a recording of one population or spikes, on the clock of
        `recording`; or an array (step, channel) or (step, trial, channel), a row for each step from the recording's
        beginning. A ``SpikeSource`` gets the spikes of each step; a ``SignalSource`` the square root of their number,
        less its mean, over its standard deviation in the time that is fitted.
    neurons
        By population of the circuit, which of its neurons stand for those recorded, in their order. The others are
        free. By default there are as many.
    held_out
        What the circuit is not fitted to, and scored on: a share of time, the last of each trial (by default a
        quarter), or `Time`, `Trials` or `Stimuli` of :mod:`neurosim.fitting`. A bin that is not in one part as a whole
        is not used.
    bin
        In which spikes are counted, a whole number of steps; by default one.
    latency
        By how much the answer to an input comes later: the rate at t + latency is held against the spikes at t.
    log
        What `pairs` names are the logarithms of rates.
    epochs, batch_size, learning_rate, weight_decay
        Of AdamW, whose rate falls to 0 along a cosine; the decay is of weights of projections only.
    window, lead
        The circuit is trained on stretches of so many bins, after so many in which it settles.
    reach
        How many bins the past goes back in the baseline.
    seed
        Of all that is drawn but for the circuit's own structure.
    dtype, device
        In which is trained.
    show_progress
        Draw a bar where there is a terminal.

    Returns
    -------
    PopulationFit
        The circuit with the values that were found, and its bits a spike on the time held out, beside those of each
        unit's own past and of a ridge regression from the inputs of the same bin.

    Raises
    ------
    AnalysisError
        If what is named does not exist, sizes do not fit, nothing is trainable, or nothing is held out.

    Notes
    -----
    The rows that are held out are predicted from the inputs of that time and before, in one run from the beginning of
    each trial, as a simulation would; the baselines see as much.
    """
    if min(epochs, batch_size, window) < 1 or lead < 0 or learning_rate <= 0 or weight_decay < 0:
        raise AnalysisError(
            "fit: epochs, batch_size and window must be at least 1, lead and weight_decay at least 0, learning_rate "
            "above 0."
        )
    if not circuit.trainables():
        raise AnalysisError("fit: nothing in the circuit is trainable; mark values with ns.Trainable(...).")
    cut = Cut(*_in_steps(circuit, bin, latency), window, lead)
    targets = targets_of(circuit, recording, pairs, neurons or {}, cut.every, log)
    width = cut.every * circuit.dt
    grid = Grid.of(targets[0].trains, width)
    what = held_out_part(held_out)
    if isinstance(what, Neurons):
        raise AnalysisError("fit: of a population time, trials or stimuli are held out; leave neurons out of pairs=.")
    split = what.split(recording, list(dict.fromkeys(pairs.values())))
    fitted, held = grid.inside(split.fitted), grid.inside(split.held_out)
    counts = [grid.counts(target.trains) for target in targets]
    steps = Grid(grid.start, circuit.dt, grid.trials, grid.bins * cut.every)
    given = seen(circuit, inputs, steps, np.repeat(fitted, cut.every, axis=1))
    asked = {
        target.address: target.spread(np.where(fitted[..., np.newaxis], values, np.nan))
        for target, values in zip(targets, counts, strict=True)
    }
    module = compile_circuit(circuit, backend="snntorch", dtype=dtype, device=device)
    before = values_of(module)
    loss = Sum(*(target.loss for target in targets))
    optimiser = torch.optim.AdamW(_groups(module, circuit, weight_decay), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    trainer = Trainer(
        module, loss, optimiser, schedule, seed=seed, clip=1.0, forward=_Settled(cut), show_progress=show_progress
    )
    history = trainer.fit(Windows(given.values, asked, cut), epochs=epochs, batch_size=batch_size)
    expected = predict(module, targets, given, cut)
    settings = {
        "pairs": dict(pairs), "bin": width, "latency": cut.late * circuit.dt, "held_out": repr(what), "epochs": epochs,
        "batch_size": batch_size, "learning_rate": learning_rate, "weight_decay": weight_decay, "window": window,
        "lead": lead, "reach": reach, "seed": seed, "dtype": dtype,
    }  # fmt: skip
    units = np.concatenate([target.units for target in targets])
    parts = _Parts(grid, fitted, held, np.concatenate(counts, axis=2), units)
    predicted = parts.predicted(np.concatenate(expected, axis=2), given.bins(cut.every), reach)
    bits = [
        {name: bits_per_spike(parts.table.values[rows], values[rows]) for name, values in predicted.items()}
        for rows in (parts.fitted, parts.held)
    ]
    return PopulationFit(
        circuit=module.to_circuit(),
        values=fitted_values(circuit, before, values_of(module)),
        scores=scores_of(*bits),
        history=tuple({"loss": loss} for loss in history["loss"]),
        method="gradient",
        settings=settings,
        recorded=parts.table.rows(parts.held),
        expected={name: values[parts.held] for name, values in predicted.items()},
        bits=bits[1],
        scalings=dict(given.scalings),
    )


def predict(module: CircuitModule, targets: tuple[Target, ...], given: Seen, cut: Cut) -> list[Floats]:
    """Return expected counts of each target in every bin, (trial, bin, neuron), each trial run as a whole."""
    rows = {name: np.pad(values, ((0, 0), (0, cut.late), (0, 0))) for name, values in given.values.items()}
    shaped = {
        name: values.swapaxes(0, 1).reshape(values.shape[1], values.shape[0], *_shape(module.circuit, name))
        for name, values in rows.items()
    }
    records = Sum(*(target.loss for target in targets)).records
    module.eval()
    with torch.no_grad():
        outputs, _ = module(shaped, record=records)
    late = _later(outputs, cut.late)
    return [target.of_recorded(target.loss.expected(late).double().cpu().numpy().swapaxes(0, 1)) for target in targets]


class _Settled:
    """Runs a window and leaves out the steps of which nothing is asked."""

    def __init__(self, cut: Cut) -> None:
        self.cut = cut

    def __call__(self, module: CircuitModule, inputs: Any, *, record: Any, seed: int) -> tuple[Outputs, Any]:
        shaped = {
            name: values.reshape(*values.shape[:2], *_shape(module.circuit, name)) for name, values in inputs.items()
        }
        outputs, state = module(shaped, record=record, seed=seed)
        return _later(outputs, self.cut.before), state


def _later(outputs: Outputs, first: int) -> dict[str, dict[str, torch.Tensor]]:
    return {name: {variable: trace[first:] for variable, trace in group.items()} for name, group in outputs.items()}


def _shape(circuit: Circuit, name: str) -> tuple[int, ...]:
    return circuit.populations[name].shape if name in circuit.populations else (circuit.injections[name].n,)


def _in_steps(circuit: Circuit, bin: Any, latency: Any) -> tuple[int, int]:
    """Return how many steps a bin and the latency have."""
    found = []
    for value, name, least in ((bin, "bin", 1), (latency, "latency", 0)):
        seconds = circuit.dt if value is None else one_time(value, name)
        steps = round(seconds / circuit.dt)
        if steps < least or abs(steps * circuit.dt - seconds) > 1e-6 * circuit.dt:
            raise AnalysisError(
                f"fit: {name}={seconds:g} s is no whole number of the circuit's steps of {circuit.dt:g} s."
            )
        found.append(steps)
    return found[0], found[1]


def _groups(module: CircuitModule, circuit: Circuit, decay: float) -> list[dict[str, Any]]:
    """Return the parameters in two groups, of which the weights of projections decay."""
    weights: list[torch.nn.Parameter] = []
    others: list[torch.nn.Parameter] = []
    for name, parameter in module.named_parameters():
        part, _, variable = name.partition(".")
        (weights if part in circuit.projections and variable == "weight" else others).append(parameter)
    both = [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
    return [group for group in both if group["params"]]


class _Parts:
    """The bins that were observed, as rows of a table; which of them were fitted, and which held out."""

    def __init__(
        self, grid: Grid, fitted: NDArray[np.bool_], held: NDArray[np.bool_], counts: Floats, units: NDArray[np.str_]
    ) -> None:
        self._places = np.nonzero(np.isfinite(counts).all(2))
        self.fitted, self.held = fitted[self._places], held[self._places]
        if not self.fitted.any() or not self.held.any():
            raise AnalysisError("fit: no whole bin was observed in the part that is fitted, or in that held out.")
        trials, bins = self._places
        self.table = Features(counts[self._places], units, "spike count", None, trials, grid.edges[:-1][bins])

    def predicted(self, expected: Floats, inputs: Floats, reach: int) -> dict[str, Floats]:
        """Return what the circuit and the baselines expect in each row."""
        return {
            CIRCUIT: expected[self._places],
            OWN_PAST: own_past(self.table, self.fitted, reach=reach),
            RIDGE: same_bin_ridge(inputs[self._places], self.table, self.fitted),
        }
