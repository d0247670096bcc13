"""Which components run in compiled loops or kernels, and how what drives them reaches the kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from neurosim.backends.snntorch.gpu.components import try_recurrent, why_projection_not_in_kernels
from neurosim.backends.snntorch.gpu.modules import why_no_triton
from neurosim.backends.snntorch.gpu.scan import TritonScan, make_triton_scan, run_triton_scan
from neurosim.backends.snntorch.gpu.source import KernelSource, triton_source
from neurosim.backends.snntorch.loops.components import (
    is_recurrent,
    try_loops,
    why_projection_stepped,
)
from neurosim.backends.snntorch.loops.exchange import values_of_run
from neurosim.backends.snntorch.portion import has_variables
from neurosim.backends.snntorch.scanned import Scanned
from neurosim.backends.snntorch.surrogate_slopes import slope_text
from neurosim.circuit.language import names_in
from neurosim.program.components import Component
from neurosim.program.step_program import PoissonProgram, PopulationProgram, ProjectionProgram
from neurosim.program.straight_line import Uncovered

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule
    from neurosim.backends.snntorch.stepper import Stepper

#: Below this many neuron-steps, of all populations, a call is over before the loops are compiled.
WORTH_IT = 2**15
#: By target variable, in the order of the deliveries: (time, batch, neuron).
Deliveries = Sequence[tuple[str, Tensor]]


def why_stepped(module: CircuitModule, component: Component) -> str | None:
    """Return why a component is stepped through torch's operations, or ``None`` where compiled loops can run it."""
    if module.options.fused == "never":
        return 'fused="never"'
    if module.device.type != "cpu" and (reason := why_no_triton(module.device)) is not None:
        return reason
    if module.relaxed:
        return "relaxed=True"
    graded = any(item.name in component.within for item in module.program.graded)
    reasons = [*(_why_population(module, name, graded=graded) for name in component.populations)]
    within = [name for name in module.program.projections if name in component.within]
    reasons += [why_projection_stepped(module, name) for name in within]
    if by_triton(module):
        reasons += [why_projection_not_in_kernels(module, name) for name in within]
    if found := next((reason for reason in reasons if reason is not None), None):
        return found
    try:
        if not by_triton(module):
            try_loops(module, component)
        elif is_recurrent(component):
            try_recurrent(module, component)
        else:
            item = module.program.populations[component.populations[0]]
            _source(module, item, [], [*item.inputs, *(site.symbol for site in item.noise)], ())
    except Uncovered as reason:
        return f"the loops do not know {reason}"
    return None


def _why_population(module: CircuitModule, name: str, *, graded: bool) -> str | None:
    """Return why a population is stepped, or ``None`` where loops can run it.

    Parameters
    ----------
    module, name
        The population.
    graded
        Whether graded projections reach or leave its component: what has no variables is then worth a loop.
    """
    item = module.program.populations[name]
    if graded and not has_variables(item) and not item.spiking:
        return None
    if item.kind != "neurons" or not item.state:
        return f"{name} has no state"
    if item.reads_last_spike:
        return f"{name} reads lastspike"
    if item.refractory is not None and item.refractory.kind != "time":
        return f"how long {name} rests is a condition"
    if item.refractory is not None and not names_in(item.refractory.expression) <= item.parameters.keys():
        return f"how long {name} rests changes"
    if getattr(module.part(name), "estimator", None) is not None:
        return f"the spikes of {name} have a gradient of their own"
    return None


def make_kernels(
    module: CircuitModule, item: PopulationProgram, targets: Sequence[str], driven: Sequence[str], traced: Sequence[str]
) -> TritonScan:
    """Return the kernels of a population."""
    surrogate = module.part(item.name).spike_grad if item.threshold is not None else None
    source = _source(module, item, targets, driven, traced)
    other = surrogate if slope_text(surrogate) is None else None
    spiking, refractory = item.threshold is not None, item.refractory is not None
    return make_triton_scan(source, other, spiking=spiking, refractory=refractory, traced=traced)


def worth_it(module: CircuitModule, steps: int) -> bool:
    """Tell whether so many steps, of all trials, are worth loops or kernels."""
    size = steps * sum(item.n for item in module.program.populations.values())
    return module.options.fused == "always" or size >= WORTH_IT


def by_triton(module: CircuitModule) -> bool:
    """Tell whether a module's loops are kernels of Triton."""
    return module.device.type != "cpu"


def _source(
    module: CircuitModule, item: PopulationProgram, targets: Sequence[str], driven: Sequence[str], traced: Sequence[str]
) -> KernelSource:
    part = module.part(item.name)
    slope = slope_text(part.spike_grad) if item.threshold is not None else None
    return triton_source(item, part.dynamics, targets, driven, traced, slope, module.torch_dtype)


def deliveries_of(
    stepper: Stepper, arrivals: Mapping[str, Mapping[str, Tensor]], pulses: Mapping[str, Tensor]
) -> list[tuple[str, Tensor]]:
    """Return what is added to which variable, in the order of the contract.

    Parameters
    ----------
    stepper
        Of the component.
    arrivals
        By projection and target, (time, batch, neuron).
    pulses
        Counts of each Poisson input, (time, batch, receiving neuron).
    """
    found: list[tuple[str, Tensor]] = []
    for item in stepper.deliveries:
        if isinstance(item, PoissonProgram):
            part = stepper.module.part(item.name)
            counts = pulses[item.name]
            amount = part.pulses((counts * stepper.background[item.name]).flatten(0, 1))
            found.append((item.target, amount.reshape(*counts.shape[:2], -1)))
        elif isinstance(item, ProjectionProgram):
            found += list(arrivals[item.name].items())
    return found


def run_in_kernels(
    stepper: Stepper, item: PopulationProgram, deliveries: Deliveries, driven: Mapping[str, Tensor],
    traced: Sequence[str], steps: int,
) -> Scanned:  # fmt: skip
    """Run all steps of a population in kernels, and leave the stepper in the state after them."""
    name, module = item.name, stepper.module
    scan = module.paths.kernels(item, [target for target, _ in deliveries], list(driven), traced)
    fixed = values_of_run(stepper, name, item)
    inputs = {**driven, **{f"arrival_{place}": values for place, (_, values) in enumerate(deliveries)}}
    found = run_triton_scan(
        scan, stepper.values[name], fixed, inputs, stepper.last.get(name), stepper.step_number, stepper.dt, steps
    )
    stepper.values[name] = dict(found.final)
    if found.last is not None and found.active is not None:
        stepper.last[name], stepper.active[name] = found.last, found.active
    if found.spikes is not None:
        stepper.remember_all(name, found.spikes)
    stepper.step_number += steps
    return found
