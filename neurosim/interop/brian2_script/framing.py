"""What stands around the parts of a circuit in a script: its head, the helpers that it calls, its end."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from importlib.metadata import version

from neurosim.backends.brian2.texts import variable_name
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.parts import Injection, Part, Population, Projection
from neurosim.interop.brian2_script import literals, running
from neurosim.program.discretise import brian2_name
from neurosim.program.step_program import StepProgram
from neurosim.units import readable
from neurosim.version import __version__

#: What each helper of a script calls.
_CALLS = {
    "uniform": ("random_bits",),
    "normal": ("random_bits", "normal_pairs"),
    "counts": ("uniform", "random_bits"),
}
_HELPERS = (
    "step", "unchecked", "relative_exponential", "each_step", "held", "random_bits", "uniform", "normal",
    "normal_pairs", "counts",
)  # fmt: skip
_TABLES = ("LOGARITHM", "SINE", "COSINE")


def headline(name: str, part: Part, program: StepProgram) -> str:
    """Return what a part is, in a line."""
    if isinstance(part, Population):
        item = program.populations[name]
        if isinstance(part.model, NeuronModel):
            method = f", integrated by {item.method}" if item.method else ""
            return f"{name}: {_counted(item.n, 'neuron')} of model {part.model.name!r}{method}"
        return f"{name}: {_counted(item.n, 'channel')}, a {type(part.model).__name__}"
    if isinstance(part, Projection):
        n = program.projections[name].n
        kind = "continuous connection" if part.graded else "synapse"
        return f"{name}: {_counted(n, kind)} from {part.pre} to {part.post}" if n else f"{name}: no edges"
    if isinstance(part, Injection):
        return f"{name}: into {part.variable} of {_counted(part.n, 'neuron')} of {part.population}"
    return f"{name}: Poisson pulses into {part.variable} of {_counted(part.n, 'neuron')} of {part.population}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def head(circuit: Circuit, program: StepProgram, n_steps: int, statements: str) -> list[str]:
    """Return the comments that a script begins with: what it simulates, how exactly, and how to call it."""
    shown = readable(n_steps * circuit.dt, "second")
    neurons = sum(item.n for item in program.populations.values())
    edges = sum(item.n for item in program.projections.values())
    return [
        literals.comment(
            f"Circuit {circuit.name!r}: {_counted(neurons, 'neuron')}, {_counted(edges, 'edge')}, {shown}."
        ),
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


def imports(helpers: list[str]) -> list[str]:
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


def helper_lines(asked: set[str]) -> list[str]:
    """Return the source of the helpers that a script calls."""
    wanted = set(asked).union(*(_CALLS.get(name, ()) for name in asked))
    lines: list[str] = []
    for name in _HELPERS:
        if name in wanted:
            lines += ["", *inspect.getsource(getattr(running, name)).rstrip().splitlines(), ""]
    if "normal_pairs" in wanted:
        lines += ["", *(f"{name} = {getattr(running, name)!r}" for name in _TABLES), ""]
    return lines


SET_UP = [
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


def tail(program: StepProgram) -> list[str]:
    """Return what a script ends with: the run, what it prints, and what it saves."""
    spiking = [name for name, item in program.populations.items() if item.spiking]
    kept = {
        name: [brian2_name(variable) for variable in item.state]
        for name, item in program.populations.items()
        if item.kind == "neurons" and item.state
    }
    silent = _said_of_silent(kept, spiking)
    for name, projection in program.projections.items():
        if projection.n and projection.dynamics is not None and projection.dynamics.state:
            kept[name] = [variable_name(program, name, variable) for variable in projection.dynamics.state]
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
        *silent,
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


def _said_of_silent(kept: Mapping[str, list[str]], spiking: Iterable[str]) -> list[str]:
    """Return how a script tells of the populations that do not spike: the range of a variable at the end."""
    shown = [(name, variables[0]) for name, variables in kept.items() if name not in spiking]
    if not shown:
        return []
    pairs = ", ".join(f"({literals.quoted(name)}, {literals.quoted(variable)})" for name, variable in shown)
    return [
        f"for name, variable in [{pairs}]:",
        "    values = groups[name].variables[variable].get_value()",
        '    print(f"{name}.{variable}: from {values.min():g} to {values.max():g} (SI) at the end")',
    ]
