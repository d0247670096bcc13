"""A circuit as a script of Brian2 that anyone can read, change and run, without neurosim."""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from neurosim.backends.brian2.prepared import Prepared
from neurosim.backends.brian2.texts import object_name
from neurosim.backends.inputs import Inputs
from neurosim.backends.simulator import initial_state, steps_of
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.parts import Injection, Part, PoissonInput, Population, Projection
from neurosim.circuit.sources import PoissonSource, SpikeSource
from neurosim.errors import BackendError, FileFormatError, nearest
from neurosim.interop.brian2_script import literals, objects, running
from neurosim.interop.brian2_script.feeding import Feeding
from neurosim.interop.brian2_script.native import native_texts, refuse_equal_time_constants
from neurosim.interop.brian2_script.source import Source
from neurosim.program.lowering import lower
from neurosim.program.step_program import StepProgram
from neurosim.units import readable
from neurosim.version import __version__

#: How the step of a population may be written.
STATEMENTS = ("exact", "native")
#: What each helper of a script calls.
_CALLS = {
    "uniform": ("random_bits",),
    "normal": ("random_bits", "inverse_normal"),
    "counts": ("uniform", "random_bits"),
}
_HELPERS = (
    "step", "unchecked", "relative_exponential", "each_step", "held", "random_bits", "uniform", "normal",
    "inverse_normal", "counts",
)  # fmt: skip
_TABLES = ("CENTRE", "TAIL", "FAR_TAIL")


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
        If a file exists already, or the path does not end in ``.py``.
    CircuitError, UnitError
        If the duration or an input does not fit.
    """
    target = Path(path)
    if target.suffix != ".py":
        raise FileFormatError(f"{target}: the path of a script must end in .py.")
    if statements not in STATEMENTS:
        raise BackendError(f"statements={statements!r} is unknown.{nearest(str(statements), STATEMENTS)}")
    companion = target.with_suffix(".npz")
    for existing in (target, companion):
        if existing.exists() and not overwrite:
            raise FileFormatError(f"{existing} exists already; choose another path or pass overwrite=True.")
    text, arrays = brian2_script(circuit, duration, inputs=inputs, seed=seed, statements=statements)
    named: dict[str, Any] = dict(arrays)
    staged, staged_arrays = (file.with_name(f".{file.name}.{uuid4().hex}") for file in (target, companion))
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with staged_arrays.open("wb") as file:
            np.savez_compressed(file, **named)
        staged.write_text(text, encoding="ascii")
        os.replace(staged_arrays, companion)
        os.replace(staged, target)
    finally:
        staged.unlink(missing_ok=True)
        staged_arrays.unlink(missing_ok=True)
    return target


def brian2_script(
    circuit: Circuit, duration: Any, *, inputs: Mapping[str, Any] | None, seed: int, statements: str
) -> tuple[str, dict[str, np.ndarray]]:
    """Return the text of a script and the arrays that it reads; see :func:`export_brian2_script`."""
    program = lower(circuit)
    n_steps = steps_of(duration, circuit.dt)
    given = Inputs(circuit, inputs, start=0, n_steps=n_steps, trials=1, seed=seed)
    prepared = Prepared(circuit, program, "numpy")
    prepared.restore(initial_state(circuit, program, seed, 1), 0)
    source = Source()
    for name, part in circuit.parts.items():
        source.say(_headline(name, part, program))
        _add_part(source, circuit, program, part, prepared, Feeding(source, given, program), statements)
    arrays = source.arrays
    mark = _mark(arrays)
    arrays["export"] = np.array(mark)
    helpers = _helpers(source.helpers)
    pieces = [
        *_head(circuit, program, n_steps, statements),
        *_imports(helpers),
        f"DT = {literals.number(circuit.dt)}  # seconds",
        f"STEPS = {n_steps}  # inputs are given for that long",
        f"SEED, TRIAL = {seed}, 0  # of the noise",
        f"EXPORT = {literals.quoted(mark)}",
        "",
        *helpers,
        *_SET_UP,
        *(["b2.seed(SEED)", ""] if statements == "native" else []),
        "groups, synapses, operations = {}, {}, {}",
        *source.lines,
        *_tail(program),
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


def _headline(name: str, part: Part, program: StepProgram) -> str:
    if isinstance(part, Population):
        item = program.populations[name]
        if isinstance(part.model, NeuronModel):
            method = f", integrated by {item.method}" if item.method else ""
            return f"{name}: {item.n} neurons of model {part.model.name!r}{method}"
        return f"{name}: {item.n} channels, a {type(part.model).__name__}"
    if isinstance(part, Projection):
        n = program.projections[name].n
        kind = "continuous connections" if part.graded else "synapses"
        return f"{name}: {n} {kind} from {part.pre} to {part.post}" if n else f"{name}: no edges"
    if isinstance(part, Injection):
        return f"{name}: into {part.variable} of {part.n} neurons of {part.population}"
    return f"{name}: Poisson pulses into {part.variable} of {part.n} neurons of {part.population}"


def _head(circuit: Circuit, program: StepProgram, n_steps: int, statements: str) -> list[str]:
    shown = readable(n_steps * circuit.dt, "second")
    neurons = sum(item.n for item in program.populations.values())
    edges = sum(item.n for item in program.projections.values())
    return [
        literals.comment(f"Circuit {circuit.name!r}: {neurons} neurons, {edges} edges, {shown}."),
        *_ABOUT[statements],
        f"# Written by neurosim {__version__} for brian2 {version('brian2')}; circuit {program.digest[:16]},",
        f"# its seed {circuit.seed}. The arrays are in the .npz of the same name beside this file.",
        "#",
        "#     python THIS_FILE                     simulates, and prints how many spikes there were",
        "#     python THIS_FILE --save result.npz   keeps the spikes and the values at the end",
        "from __future__ import annotations",
        "",
    ]


_ABOUT = {
    "exact": [
        "#",
        "# The statements of each step are those of Brian2's own integrators with all constants multiplied out, in SI",
        "# units, as neurosim runs them: spikes and values are the same to the last bit. The equations stand there to",
        "# be read; to change a parameter, export with `--statements native`.",
        "#",
    ],
    "native": [
        "#",
        "# Equations, thresholds and resets are the circuit's own, integrated by Brian2. It rounds otherwise than the",
        "# statements that neurosim runs, and draws its own random numbers inside equations.",
        "#",
    ],
}


def _imports(helpers: list[str]) -> list[str]:
    """Return the imports that a script with these helpers needs."""
    text = "\n".join(helpers)
    lines = ["argparse", *(name for name in ("hashlib", "math", "textwrap") if f"{name}." in text)]
    found = [f"import {name}" for name in lines]
    kinds = [name for name in ("Callable", "Iterator") if f"{name}[" in text]
    if kinds:
        found.append(f"from collections.abc import {', '.join(kinds)}")
    found.append("from pathlib import Path")
    if "Any" in text:
        found.append("from typing import Any")
    return [*found, "", "import brian2 as b2", "import numpy as np", ""]


def _helpers(asked: set[str]) -> list[str]:
    """Return the source of the helpers that a script calls."""
    wanted = set(asked).union(*(_CALLS.get(name, ()) for name in asked))
    lines: list[str] = []
    for name in _HELPERS:
        if name in wanted:
            lines += ["", *inspect.getsource(getattr(running, name)).rstrip().splitlines(), ""]
    if "inverse_normal" in wanted:
        lines += ["", *(f"{name} = {getattr(running, name)!r}" for name in _TABLES), ""]
    return lines


_SET_UP = [
    "",
    "options = argparse.ArgumentParser()",
    'options.add_argument("--save", metavar="FILE", help="keep spikes and final values in this .npz file")',
    "options = options.parse_args()",
    "",
    'arrays = dict(np.load(Path(__file__).with_suffix(".npz")))',
    'if str(arrays["export"]) != EXPORT:',
    '    raise SystemExit("the .npz beside this script belongs to another one")',
    "",
    'b2.prefs.codegen.target = "numpy"',
    "# Expressions stay in the order in which they are written.",
    "b2.prefs.codegen.loop_invariant_optimisations = False",
    "b2.defaultclock.dt = DT * b2.second",
    "",
]


def _tail(program: StepProgram) -> list[str]:
    from neurosim.program.discretise import brian2_name

    spiking = [name for name, item in program.populations.items() if item.spiking]
    kept = {
        name: [brian2_name(variable) for variable in item.state]
        for name, item in program.populations.items()
        if item.kind == "neurons" and item.state
    }
    for name, projection in program.projections.items():
        if projection.n and projection.dynamics is not None and projection.dynamics.state:
            kept[name] = [brian2_name(variable) for variable in projection.dynamics.state]
    table = ", ".join(
        f"{literals.quoted(name)}: [{', '.join(map(literals.quoted, names))}]" for name, names in kept.items()
    )
    names = ", ".join(map(literals.quoted, spiking))
    return [
        "",
        "# Run, and tell.",
        f"monitors = {{name: b2.SpikeMonitor(groups[name]) for name in [{names}]}}",
        "network = b2.Network(*groups.values(), *synapses.values(), *operations.values(), *monitors.values())",
        "network.run(STEPS * DT * b2.second, namespace={})",
        "for name, monitor in monitors.items():",
        '    print(f"{name}: {monitor.num_spikes} spikes of {len(groups[name])} neurons")',
        "",
        "if options.save:",
        "    result = {}",
        "    for name, monitor in monitors.items():",
        '        result[f"{name}.spikes.step"] = np.rint(np.array(monitor.t) / DT).astype(int)',
        '        result[f"{name}.spikes.neuron"] = np.array(monitor.i)',
        f"    state = {{{table}}}",
        "    for name, variables in state.items():",
        "        for variable in variables:",
        "            part = groups[name] if name in groups else synapses[name]",
        '            result[f"{name}.{variable}"] = np.array(part.variables[variable].get_value())',
        "    np.savez_compressed(options.save, **result)",
    ]


def _mark(arrays: Mapping[str, np.ndarray]) -> str:
    """Return what tells the arrays of one export from those of another."""
    digest = hashlib.sha256()
    for key, array in sorted(arrays.items()):
        digest.update(f"{key} {array.dtype.str} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
