"""What outputs are compared with: one of several targets, classes, and the levels that stand for them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from neurosim.errors import TrainingError, nearest
from neurosim.training.terms import MASK, STEPS, Targets


def target_of(targets: Targets, name: str, like: Tensor, where: str) -> Tensor:
    """Return the target that a loss takes, where the outputs are.

    Parameters
    ----------
    targets
        A tensor or array, or a mapping of them.
    name
        Which one of a mapping.
    like
        A tensor of the outputs.
    where
        The loss, for messages.

    Raises
    ------
    TrainingError
        If there is none.
    """
    if isinstance(targets, Mapping):
        known = [key for key in targets if key not in (MASK, STEPS)]
        if name not in known:
            raise TrainingError(f"{where}: the targets hold no {name!r}; say which with target=.{nearest(name, known)}")
        targets = targets[name]
    if targets is None:
        raise TrainingError(f"{where}: this loss compares with targets; call loss(outputs, targets).")
    return torch.as_tensor(targets, device=like.device)


def as_classes(wanted: Tensor, like: Tensor, where: str) -> Tensor:
    """Return targets as classes, int64, (batch,), checked against what decides, (batch, class).

    Raises
    ------
    TrainingError
        If they are no class numbers, or there is no neuron for one.
    """
    batch, classes = like.shape
    if wanted.is_floating_point() or tuple(wanted.shape) != (batch,):
        kind = str(wanted.dtype).removeprefix("torch.")
        raise TrainingError(
            f"{where}: targets of shape {tuple(wanted.shape)} and dtype {kind}; give the number of the class of each "
            f"of the {batch} samples, as integers."
        )
    wanted = wanted.long()
    if batch and not 0 <= int(wanted.min()) <= int(wanted.max()) < classes:
        raise TrainingError(
            f"{where}: classes run from {int(wanted.min())} to {int(wanted.max())}, but {classes} neurons stand for "
            f"classes 0 to {classes - 1}."
        )
    return wanted


def as_levels(wanted: Tensor, levels: tuple[float, float], like: Tensor, where: str) -> Tensor:
    """Return classes, (batch,), as the level that each neuron should have: ``levels[0]`` that of the class.

    Parameters
    ----------
    wanted
        Numbers of classes.
    levels
        Of the neuron that stands for the class, and of the others.
    like
        (batch, neuron), which the result is in shape and dtype.
    where
        The loss, for messages.
    """
    chosen = one_hot(as_classes(wanted, like, where), like.shape[1]).bool()
    return torch.where(chosen, like.new_tensor(levels[0]), like.new_tensor(levels[1]))


def shaped_as(wanted: Tensor, like: Tensor, where: str) -> Tensor:
    """Return numbers to compare with, in the shape and dtype of what is compared.

    Raises
    ------
    TrainingError
        If the shape is another.
    """
    wanted = wanted.to(like.dtype)
    if wanted.ndim >= 2 and wanted.numel() == like.numel():
        wanted = wanted.reshape(like.shape)  # populations have shapes, what is compared counts neurons through
    if wanted.shape != like.shape:
        raise TrainingError(f"{where}: targets of shape {tuple(wanted.shape)}; give {tuple(like.shape)}.")
    return wanted
