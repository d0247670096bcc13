"""Run a network that was written for Brian2, on any of its targets, again and again from its initial state."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import brian2 as b2
import numpy as np
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice


def keep_compiled_code(settings: Mapping[str, Any]) -> None:
    """Put what Cython compiles into the folder of the settings, if they name one."""
    if settings.get("cache"):
        b2.prefs.codegen.runtime.cython.cache_dir = str(Path(settings["cache"]) / "cython")


def choose_target(settings: Mapping[str, Any]) -> None:
    """Prepare Brian2 for ``target``: numpy, cython or cpp_standalone, the last with ``threads`` of OpenMP."""
    target = settings["target"]
    keep_compiled_code(settings)
    if target != "cpp_standalone":
        b2.prefs.codegen.target = target
        return
    b2.set_device("cpp_standalone", build_on_run=False)
    if settings["threads"] > 1:
        b2.prefs.devices.cpp_standalone.openmp_threads = settings["threads"]


class Runs:
    """A network and how long it runs.

    Parameters
    ----------
    network
        It holds everything.
    duration
        Of each run, s.
    monitors
        Of spikes, by population.
    dt
        Its time step, s.
    cache
        A folder for a program that is compiled; what lies there already is not compiled again.
    """

    def __init__(
        self, network: Any, duration: float, monitors: Mapping[str, Any], dt: float, cache: str | None = None
    ) -> None:
        self.network, self.duration, self.monitors, self.dt = network, duration, monitors, dt
        self.standalone = isinstance(b2.get_device(), CPPStandaloneDevice)
        if self.standalone:
            network.run(duration * b2.second)
            place = Path(cache or tempfile.mkdtemp(prefix="neurosim.")) / "standalone"
            b2.device.build(directory=str(place), compile=True, run=False, with_output=False)
        else:
            network.store()

    def run(self) -> float:
        """Run from the initial state; return the seconds that the steps took, without what precedes and follows."""
        if self.standalone:
            b2.device.run(with_output=False)
            return float(b2.device._last_run_time)
        times: list[float] = []
        self.network.restore()
        self.network.run(  # reports after it has prepared, and after the last step
            self.duration * b2.second,
            report=lambda *_: times.append(time.perf_counter()),
            report_period=1e6 * b2.second,
        )
        return times[-1] - times[0]

    def result(self) -> dict[str, Any]:
        """Return the steps and neurons of all spikes, by population."""
        found = {}
        for name, monitor in self.monitors.items():
            found[f"{name}.step"] = np.rint(np.asarray(monitor.t) / self.dt).astype(np.int64)
            found[f"{name}.neuron"] = np.asarray(monitor.i)
        return found
