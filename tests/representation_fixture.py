"""Two small deterministic representations, as arrays and tensors, and noise of given sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def _x() -> NDArray[np.float64]:
    i, j = np.arange(10)[:, None], np.arange(3)
    return np.sin(1.7 * i * (1 + 0.3 * j) + 0.9 * j)


X = _x()
Y = np.cos(0.6 * np.arange(10)[:, None] * (np.arange(4) + 1)) + X[:, [0, 1, 2, 0]]

Convert = Callable[[Any], Any]


def double(values: Any) -> Any:
    import torch

    return torch.tensor(values, dtype=torch.float64)


def single(values: Any) -> Any:
    import torch

    return torch.tensor(values, dtype=torch.float32)


#: How a fixture is given, and to what the values must agree.
KINDS: dict[str, tuple[Convert, float]] = {
    "numpy": (np.asarray, 1e-6),
    "torch64": (double, 1e-6),
    "torch32": (single, 1e-4),
}


def normal(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=shape)


def rotation(n: int, seed: int = 0) -> NDArray[np.float64]:
    return np.linalg.qr(normal(n, n, seed=seed))[0]
