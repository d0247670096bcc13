"""Runs without gradients on a GPU: the kernels of calls, block of steps after block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from neurosim.backends.simulator import Progress, Run
from neurosim.backends.snntorch.blocks import BlockRun
from neurosim.backends.snntorch.explanation import is_passed_on
from neurosim.backends.states import plain_state
from neurosim.recording import RecordingBuilder, State

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule


def why_runs_stepped(module: CircuitModule) -> str | None:
    """Return why torch's operations step through runs on a GPU, or ``None`` where kernels carry them."""
    for component, why in module.stepped.items():
        if why is not None and not is_passed_on(module, component):
            return why if why.startswith("fused=") else f"{', '.join(component.populations)}: {why}"
    for name in module.program.projections:
        part = module.part(name)
        if part.learns_delays and part.training:
            return f"the delays of {name} are being learned: module.eval() makes them whole steps"
    return None


@torch.no_grad()
def simulate_in_kernels(module: CircuitModule, run: Run, builder: RecordingBuilder, progress: Progress | None) -> State:
    """Run without gradients.

    Parameters
    ----------
    module
        All of whose components run in kernels.
    run, builder, progress
        See :meth:`neurosim.backends.simulator.Simulator.run`.
    """
    state, end = run.state, run.start + run.n_steps
    records = {(name, "spikes"): None for name in run.plan.spikes}
    records.update({(trace.name, trace.variable): None for trace in run.plan.traces})
    for first in range(run.start, end, run.block):
        last = min(first + run.block, end)
        given = {name: module.tensor(run.inputs.rows(name, first, last)) for name in run.inputs.targets}
        collected, state = BlockRun(module, given, state, last - first, run.seed, records).run()
        for name in run.plan.spikes:
            when, trials, neurons = (collected[name, "spikes"] != 0).nonzero().T.cpu().numpy()
            builder.add_spikes(name, when + first, trials, neurons)
        due: dict[tuple[str, str], list[int]] = {}
        for step in range(first, last):
            for trace in builder.due(step):
                due.setdefault((trace.name, trace.variable), []).append(step)
        for (name, variable), steps in due.items():
            # One copy from the GPU for all samples of a block.
            rows = collected[name, variable][[step - first for step in steps]].cpu()
            for step, row in zip(steps, rows, strict=True):
                builder.sample(name, variable, step, row)
        if progress is not None:
            progress(last - run.start, run.n_steps)
        if run.stop.requested:
            break
    return plain_state(state)
