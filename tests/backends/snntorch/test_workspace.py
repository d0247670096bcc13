"""Memory is lent again once nothing refers to it, and never before."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import torch

from neurosim.backends.snntorch.workspace import ALIGNMENT, Workspace

SHAPE = (64, 1024)


def address(array: np.ndarray) -> int:
    return int(array.ctypes.data)


def test_a_block_is_lent_again_when_its_arrays_are_gone() -> None:
    workspace = Workspace()
    first = workspace.empty(SHAPE, np.float32)
    where = address(first)
    second = workspace.empty(SHAPE, np.float32)
    assert address(second) != where
    del first
    assert address(workspace.empty(SHAPE, np.float32)) == where
    assert workspace.kept == 2 * SHAPE[0] * SHAPE[1] * 4


def test_views_and_tensors_hold_their_block() -> None:
    workspace = Workspace()
    array = workspace.empty(SHAPE, np.float64)
    where = address(array)
    for hold in (lambda a: a[3:, 1], lambda a: a.T.reshape(-1)[:2], torch.from_numpy, lambda a: torch.from_numpy(a)[1]):
        held = hold(array if array is not None else workspace.empty(SHAPE, np.float64))
        array = None
        taken = address(workspace.empty(SHAPE, np.float64))
        # A transposed array is reshaped by a copy: that one holds nothing.
        assert (taken == where) is (isinstance(held, np.ndarray) and held.shape == (2,))
        del held
        array = workspace.empty(SHAPE, np.float64)
        where = address(array)


def test_arrays_are_aligned_and_small_ones_are_not_kept() -> None:
    workspace = Workspace()
    for columns in (5000, 8191, 9000):
        assert address(workspace.empty((7, columns), np.float32)) % ALIGNMENT == 0
    kept = workspace.kept
    assert workspace.empty((3,), np.int32).shape == (3,)
    assert workspace.empty((0, 5), np.int32).shape == (0, 5)
    assert workspace.kept == kept
    assert not workspace.zeros(SHAPE, np.int64).any()


def test_copies_of_a_workspace_are_empty() -> None:
    workspace = Workspace()
    held = workspace.empty(SHAPE, np.float32)
    assert copy.deepcopy(workspace).kept == 0
    assert pickle.loads(pickle.dumps(workspace)).kept == 0
    workspace.clear()
    assert workspace.kept == 0
    assert held.shape == SHAPE
