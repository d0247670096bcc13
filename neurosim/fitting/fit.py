"""Fit a circuit's trainable values to a recording."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.backends.streaming import digest
from neurosim.circuit.circuit import Circuit
from neurosim.errors import TrainingError, nearest
from neurosim.fitting.held_out import held_out_part
from neurosim.fitting.result import Fit
from neurosim.recording.recording import Recording
from neurosim.version import __version__

if TYPE_CHECKING:
    from neurosim.fitting.task import Task

METHODS = ("gradient", "cma-es")
#: The loss of rates that are to predict the spikes of a population.
POISSON = "poisson"
#: How many steps of the optimiser, or generations, by method.
STEPS = {"gradient": 100, "cma-es": 60}


def fit(
    circuit: Circuit,
    recording: Recording,
    *,
    inputs: Mapping[str, Any] | None = None,
    loss: Any = None,
    method: str = "gradient",
    held_out: Any = None,
    pairs: Mapping[str, str] | None = None,
    steps: int | None = None,
    repeats: int = 1,
    seed: int = 0,
    folder: str | Path | None = None,
    resume: bool = False,
    show_progress: bool = True,
    **options: Any,
) -> Fit:
    """Find those values of a circuit with which it gives what was recorded; score them on what was held out.

    Parameters
    ----------
    circuit
        With something marked :class:`~neurosim.Trainable`; its ``dt`` is the step of the simulation.
    recording
        Trials that begin at 0 s, or later: what happened before their first sample is simulated, and does not count.
    inputs
        What was fed in, by name of a source or injection: what a run takes; the address of a trace of the recording,
        such as ``"cell.i_ext"``, whose samples are held; or a list of signals, one for each trial, such as
        ``[ns.Step(100 * pA), ns.Step(200 * pA)]``.
    loss
        What is minimised: one of :mod:`neurosim.fitting.losses`, or a sum of them; by default
        ``losses.counts(bin=0.1 * second) + losses.van_rossum(0.02 * second)``. ``"poisson"`` fits rates to the spikes
        of a population: :func:`neurosim.fitting.fit_population` says what `pairs` and `inputs` then are, and which
        options there are.
    method
        ``"gradient"``: backpropagation through time with surrogate slopes, and Adam, from the values that the circuit
        has. ``"cma-es"``: evolution of a population of candidates between the limits of the trainable values, which all
        need some; needs the extra ``fitting``.
    held_out
        What is not looked at before the end: a share of time, the last of each trial (by default 0.25); or
        ``Trials``, ``Stimuli``, ``Neurons`` or ``Time`` of :mod:`neurosim.fitting`.
    pairs
        Recorded population by population of the circuit; by default those of the same name.
    steps
        Of the optimiser (by default 100), or generations (60).
    repeats
        How often each trial is simulated: of a circuit with noise, the mean of its repeats is compared.
    seed
        Fixes the search and the noise.
    folder
        Where the fit is written to, so that it can go on.
    resume
        Go on with the fit in the folder, if there is one; it must be this very fit.
    show_progress
        Draw a bar on stderr where that is a terminal.
    **options
        Fields of :class:`~neurosim.fitting.gradient.GradientOptions` or
        :class:`~neurosim.fitting.evolution.EvolutionOptions`.

    Returns
    -------
    Fit
        The circuit with the best values found, their scores on both parts, and how the loss went.

    Raises
    ------
    CircuitError, RecordError, TrainingError, UnitError, UnsupportedError
        Before anything is simulated, if something does not fit together.
    TrainingInterrupted
        At Ctrl-C; with a folder, the same call with ``resume=True`` goes on.

    Notes
    -----
    The final scores are of simulations with a seed of their own, on the exact path, from the circuit's initial state.
    A fit by gradient keeps the initial state of the circuit that it began with.
    """
    from neurosim.fitting.losses import Loss, counts, van_rossum
    from neurosim.fitting.scores import scores
    from neurosim.fitting.task import make_task
    from neurosim.fitting.values import FreeNumbers

    for given, kind in ((circuit, Circuit), (recording, Recording)):
        if not isinstance(given, kind):
            raise TrainingError(f"fit: a {kind.__name__} is needed, not {type(given).__name__}.")
    if isinstance(loss, str) and loss == POISSON:
        others = {"method": method, "steps": steps, "repeats": repeats, "folder": folder, "resume": resume}
        common = {"held_out": held_out, "seed": seed, "show_progress": show_progress}
        return _of_rates(circuit, recording, pairs, inputs, others, {**common, **options})
    if method not in METHODS:
        raise TrainingError(f"fit: method={method!r} is unknown.{nearest(str(method), METHODS)}")
    chosen = _options(method, options)
    number = STEPS[method] if steps is None else steps
    number, repeats = _whole(number, "steps"), _whole(repeats, "repeats")
    measure = counts(bin=0.1) + van_rossum(0.02) if loss is None else loss
    if not isinstance(measure, Loss):
        raise TrainingError(f"fit: loss must be one of neurosim.fitting.losses, or a sum of them, not {loss!r}.")
    if resume and folder is None:
        raise TrainingError("fit: resume=True goes on with the fit in a folder: give folder=.")
    task = make_task(
        circuit, recording, inputs=inputs, pairs=pairs, loss=measure, held_out=held_out_part(held_out), repeats=repeats
    )
    numbers = FreeNumbers.of(circuit)
    settings = {
        "neurosim": __version__, "method": method, "steps": number, "repeats": repeats, "seed": int(seed),
        "loss": repr(measure), "held_out": repr(held_out_part(held_out)), "pairs": dict(task.pairs),
        "options": asdict(chosen), "circuit": circuit.digest(), "data": _checksum(task),
    }  # fmt: skip
    fitted, history = _search(task, chosen, settings, folder, resume=resume, show_progress=show_progress)
    return Fit(fitted, numbers.outcome(fitted), scores(task, fitted, seed), tuple(history), method, settings)


def _of_rates(
    circuit: Circuit,
    recording: Recording,
    pairs: Mapping[str, str] | None,
    inputs: Mapping[str, Any] | None,
    others: Mapping[str, Any],
    options: Mapping[str, Any],
) -> Fit:
    """Return the fit of a circuit's rates to the spikes of a population."""
    from neurosim.fitting.population import fit_population

    plain = {"method": "gradient", "steps": None, "repeats": 1, "folder": None, "resume": False}
    for name, value in others.items():
        if value != plain[name]:
            raise TrainingError(
                f"fit(loss={POISSON!r}) takes no {name}={value!r}: it trains by gradient for so many epochs=, and "
                "keeps nothing on the way."
            )
    known = list(inspect.signature(fit_population).parameters)
    for name in options:
        if name not in known:
            raise TrainingError(f"fit(loss={POISSON!r}) has no option {name!r}.{nearest(name, known)}")
    return fit_population(circuit, recording, pairs or {}, inputs=inputs or {}, **options)


def _search(
    task: Task, options: Any, settings: Mapping[str, Any], folder: Any, *, resume: bool, show_progress: bool
) -> tuple[Circuit, list[dict[str, float]]]:
    """Return the fitted circuit and the numbers of each step."""
    from neurosim.training.folder import RunFolder

    files = None if folder is None else RunFolder(folder, settings, resume=resume)
    with nullcontext() if files is None else files:
        manner: dict[str, Any] = {
            "steps": settings["steps"], "seed": settings["seed"], "files": files, "show_progress": show_progress,
        }  # fmt: skip
        if settings["method"] == "gradient":
            from neurosim.fitting.gradient import descend

            return descend(task, options, **manner)
        from neurosim.fitting.evolution import evolve

        return evolve(task, options, **manner)


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise TrainingError(f"fit: {name} must be a whole number from 1, got {value!r}.")
    return int(value)


def _options(method: str, given: Mapping[str, Any]) -> Any:
    from neurosim.fitting.evolution import EvolutionOptions
    from neurosim.fitting.gradient import GradientOptions

    kind: Any = GradientOptions if method == "gradient" else EvolutionOptions
    known = [field.name for field in fields(kind)]
    for name in given:
        if name not in known:
            raise TrainingError(f"fit(method={method!r}) has no option {name!r}.{nearest(name, known)}")
    return kind(**given)


def _checksum(task: Task) -> str:
    """Return a checksum of everything that the fit is made of beside the circuit."""
    arrays: dict[str, np.ndarray] = {f"inputs/{name}": np.ascontiguousarray(one) for name, one in task.inputs.items()}
    for name, part in (("fitted", task.split.fitted), ("held_out", task.split.held_out)):
        support = part.support
        arrays |= {f"{name}/starts": support.starts, f"{name}/stops": support.stops, f"{name}/trials": support.trials}
        arrays |= {f"{name}/neurons/{key}": one for key, one in part.neurons.items()}
    for mine, theirs in task.pairs.items():
        spikes = task.recording.spikes[theirs]
        arrays |= {f"spikes/{mine}/times": spikes.times, f"spikes/{mine}/trials": spikes.trials,
                   f"spikes/{mine}/neurons": spikes.neurons}  # fmt: skip
    for population, variable in task.needs:
        if variable is not None:
            trace = task.recording.traces[task.pairs[population]][variable]
            arrays[f"trace/{population}.{variable}"] = np.ascontiguousarray(trace.values)
    return digest(arrays)
