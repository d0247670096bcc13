"""What a run needs to go on as if it had never stopped; and what makes two runs the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from torch import Tensor, nn

from neurosim.training.monitor import Watch
from neurosim.training.schedules import Schedules
from neurosim.training.update import Update

#: Options of a module that may differ (where it is), or that the circuit and other facts tell.
_TOLD_ELSEWHERE = ("device", "dtype", "trainable")


@dataclass
class Position:
    """Where a run is.

    Parameters
    ----------
    step
        Number of steps done.
    totals
        Of the epoch that is under way: sums over its items by name.
    items
        Number of items of that epoch seen so far.
    rows
        The numbers of each epoch that is over.
    """

    step: int = 0
    totals: dict[str, float] = field(default_factory=dict)
    items: int = 0
    rows: list[dict[str, float]] = field(default_factory=list)

    def advance(self, sums: Mapping[str, float], items: int) -> dict[str, float]:
        """Count a step; return the means of its numbers, given their sums over its items."""
        self.step += 1
        self.items += items
        for name, total in sums.items():
            self.totals[name] = self.totals.get(name, 0.0) + total
        return {name: total / items for name, total in sums.items()}

    def means(self) -> dict[str, float]:
        """Return the means over the items of the epoch that is under way."""
        return {name: total / self.items for name, total in self.totals.items()}

    def close(self, row: dict[str, float]) -> None:
        """End the epoch that is under way."""
        self.rows.append(row)
        self.totals, self.items = {}, 0


def state(
    update: Update, schedules: Schedules, position: Position, watch: Watch | None, *, log_size: int
) -> dict[str, Any]:
    """Return the content of a checkpoint."""
    return {
        "module": update.module.state_dict(),
        "optimisers": [optimiser.state_dict() for optimiser in update.optimisers],
        "schedules": schedules.state(),
        "scale": update.processes.scale_state(),
        "step": position.step,
        "totals": position.totals,
        "items": position.items,
        "rows": position.rows,
        "watch": None if watch is None else watch.state(),
        "log_size": log_size,
    }


def load_state(
    content: Mapping[str, Any], update: Update, schedules: Schedules, position: Position, watch: Watch | None
) -> int:
    """Go on from the content of a checkpoint.

    Returns
    -------
    int
        Bytes of the log that stand.
    """
    update.module.load_state_dict(content["module"])
    for optimiser, saved in zip(update.optimisers, content["optimisers"], strict=True):
        optimiser.load_state_dict(saved)
    schedules.load(content["schedules"])
    update.processes.load_scale(content["scale"])
    position.step, position.items = content["step"], content["items"]
    position.totals, position.rows = content["totals"], content["rows"]
    if watch is not None and content["watch"] is not None:
        watch.load(content["watch"])
    return int(content["log_size"])


def identity(update: Update, schedules: Schedules) -> dict[str, Any]:
    """Return, as JSON values, what a run that goes on must have in common with the one that began.

    Numbers of optimisers and schedules are taken as they are before the first step: the checkpoint's own replace them,
    so that another learning rate given to a run that goes on would have no effect, and has to be refused.
    """
    module = update.module
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    return {
        "circuit": module.circuit.digest(),
        "dtype": str(module.torch_dtype).removeprefix("torch."),
        "precision": update.processes.precision,
        "options": {
            item.name: _plain(getattr(module.options, item.name))
            for item in fields(module.options)
            if item.name not in _TOLD_ELSEWHERE
        },
        "values": {name: list(value.shape) for name, value in module.state_dict().items()},
        "optimisers": [
            {
                "kind": type(optimiser).__name__,
                "groups": [
                    {
                        **{key: _plain(value) for key, value in group.items() if key not in ("params", "param_names")},
                        "parameters": [names[id(one)] for one in group["params"]],
                    }
                    for group in optimiser.param_groups
                ],
            }
            for optimiser in update.optimisers
        ],
        "schedules": [
            {"kind": type(scheduler).__name__, **{key: _plain(value) for key, value in scheduler.state_dict().items()}}
            for scheduler in schedules
        ],
        "clip": None if update.clip is None else {"norm": update.clip.norm, "value": update.clip.value},
        "loss": {"kind": type(update.loss).__name__, "records": _plain(update.records), "numbers": update.names},
    }


def _plain(value: Any) -> Any:
    """Return a setting as a JSON value; of what is none (a function, say) the kind."""
    if isinstance(value, Tensor):
        return value.tolist()
    if isinstance(value, nn.Module):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else type(value).__name__
