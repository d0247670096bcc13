"""A circuit as a script of Brian2 that anyone can read, change and run, without neurosim."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.backends.brian2.prepared import Prepared
from neurosim.backends.brian2.texts import object_name
from neurosim.backends.inputs import Inputs
from neurosim.backends.simulator import steps_of
from neurosim.backends.states import initial_state
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.parts import Injection, Part, PoissonInput, Population, Projection
from neurosim.circuit.sources import PoissonSource, SpikeSource
from neurosim.errors import BackendError, CircuitError, nearest
from neurosim.interop.brian2_script import literals, objects
from neurosim.interop.brian2_script.feeding import Feeding
from neurosim.interop.brian2_script.framing import SET_UP, head, headline, helper_lines, imports, tail
from neurosim.interop.brian2_script.native import native_texts, refuse_equal_time_constants
from neurosim.interop.brian2_script.source import Source
from neurosim.interop.script_files import checked_target, write_script
from neurosim.program.lowering import lower
from neurosim.program.step_program import StepProgram

#: How the step of a population may be written.
STATEMENTS = ("exact", "native")


def export_brian2_script(
    circuit: Circuit,
    path: str | Path,
    duration: Any,
    *,
    inputs: Mapping[str, Any] | None = None,
    seed: int = 0,
    statements: str = "exact",
    overwrite: bool = False,
) -> Path:
    """Write a script of Brian2 that simulates a circuit: ``path``, and its arrays in the ``.npz`` of the same name.

    The script imports numpy and brian2 only. Run, it prints how many spikes each population fired; with
    ``--save result.npz`` it keeps the spikes and the values at the end.

    Parameters
    ----------
    circuit
        What the script simulates, its edges, weights and initial values as drawn.
    path
        Ends in ``.py``.
    duration
        A time, a multiple of the circuit's dt.
    inputs
        As in :func:`neurosim.simulate`, one trial; their values go beside the script.
    seed
        Of the noise, which the script draws itself with the numbers that a run here would have.
    statements
        ``"exact"``: the statements that neurosim's backends execute, which give the same spikes and values to the last
        bit as ``simulate(backend="brian2")``. ``"native"``: the circuit's own equations with Brian2's ``method=``, in
        which parameters can be changed; its last bits differ, and so do its random numbers inside equations.
    overwrite
        Whether files that exist may be replaced.

    Returns
    -------
    pathlib.Path
        The script.

    Raises
    ------
    FileFormatError
        If a file exists already, or the path does not end in ``.py`` or would hide a module that Brian2 imports.
    CircuitError, UnitError
        If the duration or an input does not fit.
    """
    target = checked_target(path, "brian2", overwrite=overwrite)
    if statements not in STATEMENTS:
        raise BackendError(f"statements={statements!r} is unknown.{nearest(str(statements), STATEMENTS)}")
    text, arrays = brian2_script(circuit, duration, inputs=inputs, seed=seed, statements=statements)
    write_script(target, text, arrays)
    return target


def brian2_script(
    circuit: Circuit, duration: Any, *, inputs: Mapping[str, Any] | None, seed: int, statements: str
) -> tuple[str, dict[str, np.ndarray]]:
    """Return the text of a script and the arrays that it reads; see :func:`export_brian2_script`."""
    if isinstance(seed, bool) or not hasattr(seed, "__index__") or not 0 <= seed < 2**64:
        raise CircuitError(f"seed must be a whole number from 0 to 2**64 - 1, got {seed!r}.")
    program = lower(circuit)
    n_steps = steps_of(duration, circuit.dt)
    given = Inputs(circuit, inputs, start=0, n_steps=n_steps, trials=1, seed=seed)
    prepared = Prepared(circuit, program, "numpy")
    prepared.restore(initial_state(circuit, program, seed, 1), 0)
    source = Source()
    for name, part in circuit.parts.items():
        source.say(headline(name, part, program))
        _add_part(source, circuit, program, part, prepared, Feeding(source, given, program), statements)
    arrays = source.arrays
    mark = _mark(arrays)
    arrays["export"] = np.array(mark)
    helpers = helper_lines(source.helpers)
    pieces = [
        *head(circuit, program, n_steps, statements),
        *imports(helpers),
        f"DT = {literals.number(circuit.dt)}  # seconds",
        f"STEPS = {n_steps}  # inputs are given for that long",
        f"SEED, TRIAL = {int(seed)}, 0  # of the noise",
        f"EXPORT = {literals.quoted(mark)}",
        "",
        *helpers,
        *SET_UP,
        *(["b2.seed(SEED % 2**32)  # of the random numbers inside equations", ""] if statements == "native" else []),
        "groups, synapses, operations = {}, {}, {}",
        *source.lines,
        *tail(program),
    ]
    return "\n".join(pieces) + "\n", arrays


def _add_part(
    source: Source, circuit: Circuit, program: StepProgram, part: Part, prepared: Prepared, feeding: Feeding,
    statements: str,
) -> None:  # fmt: skip
    name, built = part.name, prepared.objects
    if isinstance(part, Population) and isinstance(part.model, NeuronModel):
        item = program.populations[name]
        native = None
        if statements == "native":
            refuse_equal_time_constants(built.groups[name], item)
            native = native_texts(part.model, item)
        drives = {object_name(drive.name) for drive in program.poisson if drive.post == name}
        objects.add_group(source, name, built.groups[name], native, drives)
        if native is None:
            feeding.noise(name)
    elif isinstance(part, Population) and isinstance(part.model, SpikeSource):
        feeding.spike_source(name)
    elif isinstance(part, Population) and isinstance(part.model, PoissonSource):
        feeding.poisson_source(name)
    elif isinstance(part, Population):
        feeding.signal_source(name)
    elif isinstance(part, Projection):
        if program.projections[name].n:
            objects.add_synapses(source, name, built.synapses[name], (part.pre, part.post))
            feeding.noise(name)
    elif isinstance(part, Injection):
        feeding.injection(part)
    elif isinstance(part, PoissonInput):
        left = f"groups[{literals.quoted(part.population)}]"
        objects.add_regular(source, left, objects.regular(built.groups[part.population], object_name(name)))
        feeding.poisson_input(part)


def _mark(arrays: Mapping[str, np.ndarray]) -> str:
    """Return what tells the arrays of one export from those of another."""
    digest = hashlib.sha256()
    for key, array in sorted(arrays.items()):
        digest.update(f"{key} {array.dtype.str} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
