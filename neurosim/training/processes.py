"""Device, precision and processes of a training run, through Lightning Fabric.

Several processes are started by ``torchrun``; each has a share of every batch. Their gradients are added up, each
weighted by its number of items, so that a batch gives the gradient that one process would have, also where it does not
divide evenly, or leaves a process without an item.

Fabric's own wrapper of modules (torch's ``DistributedDataParallel``) is not used: it averages over processes whatever
they hold, and needs each to call the module equally often.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from neurosim.backends.snntorch.module import CircuitModule
from neurosim.errors import TrainingError, nearest
from neurosim.training.extras import extra

PRECISIONS = ("32-true", "64-true", "bf16-mixed", "16-mixed")
_TRUE = {torch.float32: "32-true", torch.float64: "64-true"}


def checked_precision(given: str | None, module: CircuitModule) -> str:
    """Return the precision of a run.

    Parameters
    ----------
    given
        One of :data:`PRECISIONS`, or None for the module's own. In mixed precision torch does products of matrices in
        half the bits; what a circuit holds (state, parameters, the sums of arrivals) stays float32.
    module
        What is trained.

    Raises
    ------
    TrainingError
        If it is unknown, does not fit the module's dtype, or the device lacks it.
    """
    own = _TRUE[module.torch_dtype]
    if given is None or given == own:
        return own
    if given in ("16-true", "bf16-true"):
        raise TrainingError(
            f"precision={given!r}: half the bits cannot hold a circuit's state, which is in SI units. Use "
            f"{given.removesuffix('true')}mixed, which keeps the state in float32."
        )
    if given not in PRECISIONS:
        raise TrainingError(f"precision={given!r} is unknown.{nearest(given, PRECISIONS)}")
    if given in _TRUE.values():
        wanted = next(str(dtype).removeprefix("torch.") for dtype, name in _TRUE.items() if name == given)
        raise TrainingError(f"precision={given!r}, but the module is {own}: compile it with dtype={wanted!r}.")
    if module.torch_dtype == torch.float64:
        raise TrainingError(f"precision={given!r} makes no sense for a module in float64; compile it in float32.")
    if given == "16-mixed" and module.device.type != "cuda":
        raise TrainingError(
            f"precision='16-mixed' is for a GPU; on {module.device.type} use 'bf16-mixed' or '32-true'."
        )
    if given == "bf16-mixed" and module.device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise TrainingError("precision='bf16-mixed': this GPU has no bfloat16; use '16-mixed' or '32-true'.")
    return given


class Processes:
    """The process that trains, and those beside it.

    Parameters
    ----------
    module
        What is trained; on several GPUs each process moves it to its own.
    precision
        As :func:`checked_precision` takes it.
    """

    def __init__(self, module: CircuitModule, precision: str | None) -> None:
        self.precision = checked_precision(precision, module)
        kind = module.device.type
        fabric_module = extra("lightning_fabric", "the Trainer", package="lightning-fabric")
        local = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
        total = int(os.environ.get("WORLD_SIZE", 1))
        devices: Any = local if local > 1 or kind == "cpu" else [module.device.index or 0]
        self._fabric: Any = fabric_module.Fabric(
            accelerator=kind, devices=devices, num_nodes=max(total // local, 1), precision=self.precision
        )
        self._fabric.launch()
        if self.world > 1:
            module.to(self._fabric.device)
        self.device = module.device

    @property
    def rank(self) -> int:
        """Number of this process, from 0."""
        return int(self._fabric.global_rank)

    @property
    def world(self) -> int:
        """Number of processes."""
        return int(self._fabric.world_size)

    @property
    def first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def autocast(self) -> AbstractContextManager[None]:
        """Return the context in which torch chooses the dtype of products."""
        context: AbstractContextManager[None] = self._fabric.autocast()
        return context

    def backward(self, loss: Tensor) -> None:
        """Compute the gradients."""
        self._fabric.backward(loss)

    def unscale(self, optimisers: Sequence[torch.optim.Optimizer]) -> None:
        """Undo the scale of the loss in the gradients, where the precision has one."""
        for optimiser in optimisers:
            self._fabric.strategy.precision.unscale_gradients(optimiser)

    def step(self, optimisers: Sequence[torch.optim.Optimizer]) -> None:
        """Let optimisers step; where the loss has a scale, those whose gradients overflowed leave it out."""
        scaler = getattr(self._fabric.strategy.precision, "scaler", None)
        for optimiser in optimisers:
            if scaler is None:
                optimiser.step()
            else:
                scaler.step(optimiser)
        if scaler is not None:
            scaler.update()  # once for all of them, which Fabric's own wrapper of optimisers does for each

    def scale_state(self) -> dict[str, Any]:
        """Return the state of the loss's scale; empty where the precision has none."""
        state: dict[str, Any] = self._fabric.strategy.precision.state_dict()
        return state

    def load_scale(self, state: dict[str, Any]) -> None:
        """Go on from a state of the loss's scale."""
        self._fabric.strategy.precision.load_state_dict(state)

    def say(self, value: Any) -> Any:
        """Return what the first process has, in every process."""
        return self._fabric.broadcast(value) if self.world > 1 else value

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.world > 1:
            self._fabric.barrier()

    def sum(self, numbers: list[float]) -> list[float]:
        """Return numbers added up over the processes."""
        if self.world == 1:
            return numbers
        total: Tensor = self._fabric.all_reduce(
            torch.tensor(numbers, dtype=torch.float64, device=self.device), reduce_op="sum"
        )
        return total.tolist()

    def add_gradients(self, module: nn.Module) -> None:
        """Add up the gradients over the processes, of what has one in any of them."""
        if self.world == 1:
            return
        parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
        present = self.sum([float(parameter.grad is not None) for parameter in parameters])
        used = [parameter for parameter, count in zip(parameters, present, strict=True) if count]
        if not used:
            return
        flat = torch.cat([
            (torch.zeros_like(parameter) if parameter.grad is None else parameter.grad).reshape(-1)
            for parameter in used
        ])  # fmt: skip
        flat = self._fabric.all_reduce(flat, reduce_op="sum")
        for parameter, part in zip(used, flat.split([parameter.numel() for parameter in used]), strict=True):
            parameter.grad = part.view_as(parameter).clone()

    def average_statistics(self, module: nn.Module, share: float) -> None:
        """Give every process the same running statistics of batch norm: the mean, weighted by a process's share."""
        if self.world == 1:
            return
        for part in module.modules():
            if isinstance(part, nn.modules.batchnorm._BatchNorm) and part.running_mean is not None:
                for name in ("running_mean", "running_var"):
                    statistic = getattr(part, name)
                    statistic.copy_(self._fabric.all_reduce(statistic * share, reduce_op="sum"))
                if part.num_batches_tracked is not None:  # a process without an item has not counted
                    count = part.num_batches_tracked.clone()
                    part.num_batches_tracked.copy_(self._fabric.all_reduce(count, reduce_op="max"))
