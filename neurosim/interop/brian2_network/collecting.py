"""The objects of a network, by kind; what has no counterpart is noted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.errors import BackendError
from neurosim.interop.brian2_network.findings import Findings
from neurosim.interop.brian2_network.schedule import contained


@dataclass
class Objects:
    """What a network consists of, each kind in the order of Brian2's names."""

    schedule: Sequence[str]
    neurons: list[Any] = field(default_factory=list)
    poisson_groups: list[Any] = field(default_factory=list)
    generators: list[Any] = field(default_factory=list)
    synapses: list[Any] = field(default_factory=list)
    poisson_inputs: list[Any] = field(default_factory=list)

    @property
    def groups(self) -> list[Any]:
        """Everything that becomes a population or source."""
        return [*self.neurons, *self.poisson_groups, *self.generators]

    @property
    def all(self) -> list[Any]:
        """Everything that becomes a part of a circuit."""
        return [*self.groups, *self.synapses, *self.poisson_inputs]


def collected(network: Any, level: int, findings: Findings) -> Objects:
    """Return the objects of a network, noting those that cannot become a part of a circuit.

    Parameters
    ----------
    network
        A ``Network``; objects, in containers or not; or ``None`` for what ``run()`` would collect.
    level
        How many calls lie between this function and whoever's variables are meant.
    findings
        Takes problems and remarks.
    """
    from brian2.core.magic import MagicNetwork, collect
    from brian2.core.network import Network
    from brian2.core.preferences import prefs
    from brian2.devices.device import RuntimeDevice, get_device

    if not isinstance(get_device(), RuntimeDevice):
        raise BackendError(
            "from_brian2 reads the values that a network holds, and objects made for a standalone program hold none: "
            "leave set_device() out where the network is imported."
        )
    if network is None or isinstance(network, MagicNetwork):
        schedule = prefs.core.network.default_schedule
        given = list(collect(level=level + 1))
    elif isinstance(network, Network):
        schedule, given = network.schedule, list(network.objects)
    else:
        schedule, given = prefs.core.network.default_schedule, list(_flat(network))
    if prefs.legacy.refractory_timing:
        findings.refuse("the preference legacy.refractory_timing is set; circuits count refractory periods in steps")
    objects = Objects(schedule)
    for item in sorted(given, key=lambda item: str(item.name)):
        _sort_in(item, objects, findings)
    return objects


def _flat(given: Any) -> Iterable[Any]:
    """Return the Brian2 objects of nested containers.

    Raises
    ------
    BackendError
        For anything else.
    """
    from brian2.core.base import BrianObject

    if isinstance(given, BrianObject):
        yield given
    elif isinstance(given, Mapping):
        yield from _flat(list(given.values()))
    elif isinstance(given, (list, tuple, set, frozenset)):
        for item in given:
            yield from _flat(item)
    else:
        raise BackendError(
            f"from_brian2 takes a Network, or Brian2 objects in a list, not {type(given).__name__}; nothing collects "
            "what run() would."
        )


def _sort_in(item: Any, objects: Objects, findings: Findings) -> None:
    import brian2
    from brian2.groups.subgroup import Subgroup

    kind = type(item)
    kinds: dict[type, list[Any]] = {
        brian2.NeuronGroup: objects.neurons,
        brian2.PoissonGroup: objects.poisson_groups,
        brian2.SpikeGeneratorGroup: objects.generators,
        brian2.Synapses: objects.synapses,
        brian2.PoissonInput: objects.poisson_inputs,
    }
    monitors = (brian2.StateMonitor, brian2.SpikeMonitor, brian2.EventMonitor, brian2.PopulationRateMonitor)
    told = f"{kind.__name__} {item.name!r}"
    if isinstance(item, monitors):
        findings.remark(f"{told} left out: say what to record with record= of a run")
    elif kind is Subgroup:
        pass  # a view of a group that is here itself
    elif kind not in kinds:
        findings.refuse(f"{told}: circuits have nothing like it")
    elif not item.active and kind in (brian2.Synapses, brian2.PoissonInput):
        findings.remark(f"{told} left out: it is not active")
    else:
        idle = next((inner for inner in contained(item) if not inner.active), None)
        if idle is not None:
            findings.refuse(f"{told}: {idle.name!r} is not active")
        _check_contained(item, told, findings)
        kinds[kind].append(item)


def _check_contained(item: Any, told: str, findings: Findings) -> None:
    """Note events of one's own, and code that is run besides what the equations say."""
    events = [name for name in getattr(item, "events", {}) if name != "spike"]
    pathways = getattr(item, "_pathways", [])
    events += [pathway.event for pathway in pathways if pathway.event != "spike"]
    if events:
        findings.refuse(f"{told}: it has events of its own ({', '.join(sorted(set(events)))})")
    expected = [
        getattr(item, "state_updater", None), getattr(item, "subexpression_updater", None), *pathways,
        *getattr(item, "thresholder", {}).values(), *getattr(item, "resetter", {}).values(),
        *getattr(item, "summed_updaters", {}).values(),
    ]  # fmt: skip
    known = {id(runner) for runner in expected}
    for runner in item.contained_objects:
        if id(runner) not in known:
            findings.refuse(f"{told}: {runner.name!r} (run_regularly, or code of its own) has no counterpart")


def common_step(network: Any, objects: Objects, findings: Findings) -> float:
    """Return the time step of all objects, in seconds, noting objects on another one and a network that has run."""
    from brian2.core.magic import MagicNetwork
    from brian2.core.network import Network

    steps: dict[float, str] = {}
    own_time = isinstance(network, Network) and not isinstance(network, MagicNetwork)
    times = [float(network.t_) if own_time else 0.0]
    for item in objects.all:
        for runner in contained(item):
            steps.setdefault(_of_clock(runner, "dt"), str(runner.name))
        if item._network is not None and not own_time:
            times.append(_of_clock(item, "t"))
    if max(times) > 0:
        findings.refuse(
            f"the network has run until t = {max(times):g} s, and a circuit begins at 0: import it before it runs, or "
            "restore() what was stored before. Values of a later moment can be put in with circuit.replace()"
        )
    if len(steps) > 1:
        shown = ", ".join(f"{dt:g} s ({name!r})" for dt, name in steps.items())
        findings.refuse(f"there are several time steps: {shown}; a circuit has one")
    return next(iter(steps), 1e-4)


def _of_clock(runner: Any, name: str) -> float:
    return float(np.asarray(runner.clock.variables[name].get_value()).item())
