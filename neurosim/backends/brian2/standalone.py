"""The child process that turns a circuit into a C++ program: ``python -m neurosim.backends.brian2.standalone FOLDER``.

Brian2's standalone device belongs to a whole process, and once set it stays. So a process of its own builds the program
and ends; the process of the user runs it (see `neurosim.backends.brian2.project`).

The folder holds ``circuit.json`` and ``request.json``; the process leaves ``project/`` with the compiled program, and
``answer.json``: for every array of interest the file that the program will write and its type, or what went wrong.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.backends.brian2.network import Objects, build
from neurosim.backends.brian2.texts import variable_name
from neurosim.backends.states import initial_state
from neurosim.circuit.circuit import Circuit
from neurosim.program.lowering import lower
from neurosim.program.step_program import StepProgram
from neurosim.units import quantity

#: Brian2's own flags without those that let a compiler change results (-ffast-math, contraction to fused operations).
FLAGS = ("-w", "-O3", "-ffp-contract=off", "-march=native", "-std=c++11")

#: What a C++ program reads its inputs and noise with: one double after another from its standard input.
NEXT_NUMBER = """
#include <cstdio>
#include <cstdlib>
static inline double _next_number(const int position)
{
    double value;
    if (fread_unlocked(&value, sizeof value, 1, stdin) != 1)
    {
        fprintf(stderr, "the numbers that are fed in have ended too early\\n");
        exit(3);
    }
    return value;
}
"""


def main(folder: Path) -> int:
    """Build what a folder asks for; return the exit code."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    try:
        answer = build_program(folder)
    except Exception as error:  # whatever it is, the parent is told
        answer = {"error": f"{type(error).__name__}: {error}"}
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
    return 1 if "error" in answer else 0


def _end_with_the_parent() -> None:
    """End this process and its compilers when the parent, which holds the other end of stdin, has ended."""
    while os.read(0, 1):  # not through sys.stdin, whose lock the interpreter wants at its end
        pass
    os.killpg(0, signal.SIGKILL)


def build_program(folder: Path) -> dict[str, Any]:
    """Write and compile the C++ program; return where it will leave its results, by kind and address."""
    from brian2 import Network, get_device, prefs, set_device

    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    circuit = Circuit.load(folder / "circuit.json")
    program = lower(circuit)
    prefs["codegen.loop_invariant_optimisations"] = False
    prefs["codegen.cpp.extra_compile_args_gcc"] = list(FLAGS)
    prefs["devices.cpp_standalone.openmp_threads"] = 0
    prefs["devices.cpp_standalone.extra_make_args_unix"] = [f"-j{os.cpu_count() or 1}"]
    set_device("cpp_standalone", build_on_run=False)
    objects = build(circuit, program)
    _set_state(circuit, program, objects)
    _add_feeds(objects, request["feeds"])
    _set_constants(objects, request["constants"])
    spikes = _spike_monitors(objects, request["spikes"])
    traces = _trace_monitors(program, objects, request["traces"])
    network = Network(*objects.all, *spikes.values(), *traces.values())
    network.run(quantity(request["n_steps"] * program.dt, "second"), namespace={})
    device = get_device()
    device.build(directory=str(folder / "project"), compile=True, run=False, with_output=False, debug=False)

    def file(variable: Any) -> dict[str, str]:
        return {"file": device.get_array_filename(variable), "dtype": np.dtype(variable.dtype).str}

    state = initial_state(circuit, program, 0, 1)
    return {
        "digest": program.digest,
        "steps": int(objects.clock._i_end),
        "state": {
            address: file(_parts(objects)[name].variables[variable_name(program, name, variable)])
            for name, variables in _state_names(state).items()
            for address, variable in variables
        },
        "spikes": {
            name: {"t": file(monitor.variables["t"]), "i": file(monitor.variables["i"])}
            for name, monitor in spikes.items()
        },
        "traces": {
            address: file(monitor.variables[monitor.record_variables[0]]) for address, monitor in traces.items()
        },
    }


def _parts(objects: Objects) -> dict[str, Any]:
    return {**objects.groups, **objects.synapses}


def _state_names(state: Any) -> dict[str, list[tuple[str, str]]]:
    """Return (address, Brian2's variable) of everything of a state that is an array in Brian2, by part."""
    names: dict[str, list[tuple[str, str]]] = {}
    for name, group in state.variables.items():
        names.setdefault(name, []).extend((f"variables {name} {variable}", variable) for variable in group)
    for kind, variable in (("last_spike", "lastspike"), ("not_refractory", "not_refractory")):
        for name in getattr(state, kind):
            names.setdefault(name, []).append((f"{kind} {name}", variable))
    return names


def _set_state(circuit: Circuit, program: StepProgram, objects: Objects) -> None:
    """Set the initial values; of clocks and queues Brian2's are ours."""
    for name, variables in initial_state(circuit, program, 0, 1).variables.items():
        for variable, values in variables.items():
            if values.size:
                _parts(objects)[name].variables[variable_name(program, name, variable)].set_value(values[0])


def _add_feeds(objects: Objects, feeds: list[Mapping[str, str]]) -> None:
    """Let every array that is fed read its numbers at the start of each step, in the order of the request."""
    from brian2 import Function

    next_number = Function(lambda position: position, arg_units=[1], return_unit=1, stateless=False)
    next_number.implementations.add_implementation("cpp", NEXT_NUMBER, name="_next_number")
    for order, feed in enumerate(feeds):
        part = _parts(objects)[feed["part"]]
        part.namespace["next_number"] = next_number
        reader = part.run_regularly(
            f"{feed['variable']} = next_number(i)", when="start", order=order, clock=objects.clock,
            name=f"{part.name}__feed_{order}",
        )  # fmt: skip
        reader.check_units = False


def _set_constants(objects: Objects, constants: list[Mapping[str, Any]]) -> None:
    for constant in constants:
        variable = _parts(objects)[constant["part"]].variables[constant["variable"]]
        values = np.zeros(variable.size)
        values[slice(None) if constant["where"] is None else constant["where"]] = constant["value"]
        variable.set_value(values)


def _spike_monitors(objects: Objects, names: list[str]) -> dict[str, Any]:
    from brian2 import SpikeMonitor

    return {name: SpikeMonitor(objects.groups[name], name=f"{objects.groups[name].name}__spikes") for name in names}


def _trace_monitors(program: StepProgram, objects: Objects, traces: list[Mapping[str, Any]]) -> dict[str, Any]:
    from brian2 import Clock, StateMonitor

    monitors = {}
    for number, trace in enumerate(traces):
        part, every = _parts(objects)[trace["part"]], trace["every"]
        clock = objects.clock
        if every > 1:
            clock = Clock(
                dt=quantity(every * program.dt, "second"), name=f"{objects.clock.name}__every_{every}_{number}"
            )
        monitors[trace["address"]] = StateMonitor(
            part, variable_name(program, trace["part"], trace["variable"]), record=np.asarray(trace["columns"]),
            clock=clock, when="end",
            name=f"{part.name}__trace_{number}",
        )  # fmt: skip
    return monitors


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
