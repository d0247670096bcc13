r"""Prices of activity in sparse coding, and the operators that shrink coefficients to pay them.

A code :math:`r` of a patch :math:`x` minimises :math:`\frac12 \lVert x - \Phi r \rVert^2 + \sum_i C(r_i)`. A step of
length :math:`\mu` along the gradient of the first term is followed by the operator of the second,
:math:`T(z) = \operatorname{argmin}_r \frac12 (r - z)^2 + \mu C(r)`, here in closed form.

The weight :math:`\lambda` follows the conventions of the papers, and so cannot be compared from one penalty to the
next: compare them where they leave equally many units active, or equal error.

References
----------
V. Rentzeperis, L. Calatroni, L. U. Perrinet, D. Prandi: Beyond l1 sparse coding in V1. PLoS Comput. Biol. 19:e1011459
(2023). I. Daubechies, M. Defrise, C. De Mol: An iterative thresholding algorithm for linear inverse problems. Comm.
Pure Appl. Math. 57:1413 (2004). T. Blumensath, M. E. Davies: Iterative thresholding for sparse approximations. J.
Fourier Anal. Appl. 14:629 (2008). Z. Xu, X. Chang, F. Xu, H. Zhang: L1/2 regularization: a thresholding representation
theory and a fast solver. IEEE TNNLS 23:1013 (2012). E. Soubies, L. Blanc-Féraud, G. Aubert: A continuous exact l0
penalty (CEL0). SIAM J. Imaging Sci. 8:1607 (2015). E. J. Candès, M. B. Wakin, S. P. Boyd: Enhancing sparsity by
reweighted l1 minimization. J. Fourier Anal. Appl. 14:877 (2008), for the logarithm.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.errors import AnalysisError, nearest

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Penalty(ABC):
    r"""A price of activity.

    Parameters
    ----------
    weight
        :math:`\lambda`, above 0.
    """

    weight: float
    name: ClassVar[str]

    def __post_init__(self) -> None:
        """Check the weight."""
        if not (self.weight > 0 and math.isfinite(self.weight)):
            raise AnalysisError(f"{self.name}: weight must be a positive number, got {self.weight}.")

    @abstractmethod
    def shrink(self, values: ArrayLike, step: float = 1.0) -> Floats:
        r"""Apply :math:`T` to each value.

        Parameters
        ----------
        values
            :math:`z`, of any shape.
        step
            :math:`\mu`, above 0.
        """

    @abstractmethod
    def cost(self, values: ArrayLike) -> Floats:
        """Return :math:`C` of each value."""

    def weighing(self, weight: float) -> Self:
        """Return the same penalty of another weight."""
        return replace(self, weight=weight)

    def check_step(self, step: float) -> None:
        """Refuse a step for which there is no operator."""
        if not step > 0:
            raise AnalysisError(f"{self.name}: step must be above 0, got {step}.")


@dataclass(frozen=True)
class Soft(Penalty):
    r"""The l1 norm, :math:`C = \lambda |r|`: what is left is too small by :math:`\lambda \mu`."""

    name: ClassVar[str] = "soft"

    def shrink(self, values: ArrayLike, step: float = 1.0) -> Floats:
        """See :meth:`Penalty.shrink`."""
        self.check_step(step)
        z = np.asarray(values, dtype=np.float64)
        return np.asarray(np.sign(z) * np.maximum(np.abs(z) - self.weight * step, 0.0))

    def cost(self, values: ArrayLike) -> Floats:
        """See :meth:`Penalty.cost`."""
        return np.asarray(self.weight * np.abs(values))


@dataclass(frozen=True)
class Hard(Penalty):
    r"""The number of active units, :math:`C = \frac{\lambda}{2} [r \ne 0]`: :math:`|z| \ge \sqrt{\lambda \mu}` stays.

    Started from zero it ends in poor minima: let the weight fall in stages (``encode(..., stages=)``).
    """

    name: ClassVar[str] = "hard"

    def shrink(self, values: ArrayLike, step: float = 1.0) -> Floats:
        """See :meth:`Penalty.shrink`."""
        self.check_step(step)
        z = np.asarray(values, dtype=np.float64)
        return np.where(np.abs(z) >= math.sqrt(self.weight * step), z, 0.0)

    def cost(self, values: ArrayLike) -> Floats:
        """See :meth:`Penalty.cost`."""
        return np.where(np.asarray(values) != 0, self.weight / 2.0, 0.0)


@dataclass(frozen=True)
class Half(Penalty):
    r"""The square root of the magnitude, :math:`C = \frac{\lambda}{2} \sqrt{|r|}`, between the number and l1."""

    name: ClassVar[str] = "half"

    def shrink(self, values: ArrayLike, step: float = 1.0) -> Floats:
        """See :meth:`Penalty.shrink`."""
        self.check_step(step)
        z = np.asarray(values, dtype=np.float64)
        scale = self.weight * step
        kept = np.abs(z) > 54.0 ** (1.0 / 3.0) / 4.0 * scale ** (2.0 / 3.0)
        size = np.where(kept, np.abs(z), np.inf)
        angle = np.arccos(scale / 8.0 * (size / 3.0) ** -1.5)
        return np.where(kept, 2.0 / 3.0 * z * (1.0 + np.cos(2.0 / 3.0 * (np.pi - angle))), 0.0)

    def cost(self, values: ArrayLike) -> Floats:
        """See :meth:`Penalty.cost`."""
        return np.asarray(self.weight / 2.0 * np.sqrt(np.abs(values)))


@dataclass(frozen=True)
class Cel0(Penalty):
    r"""The continuous exact relaxation of the number of active units.

    .. math:: C(r) = \lambda - \frac{c^2}{2} \left(|r| - \frac{\sqrt{2 \lambda}}{c}\right)^2
        \text{ for } |r| \le \frac{\sqrt{2 \lambda}}{c}, \text{ else } \lambda

    Parameters
    ----------
    weight
        :math:`\lambda`: the price of a unit that is well active. Such units are not made smaller.
    norm
        :math:`c`, of the columns of the dictionary; steps must be below :math:`1/c^2`.
    """

    norm: float = 1.0
    name: ClassVar[str] = "cel0"

    def check_step(self, step: float) -> None:
        """Refuse a step for which there is no operator."""
        Penalty.check_step(self, step)
        if not self.norm**2 * step < 1:
            raise AnalysisError(f"cel0: step must be below 1/norm**2 = {self.norm**-2:g}, got {step}.")

    def shrink(self, values: ArrayLike, step: float = 1.0) -> Floats:
        """See :meth:`Penalty.shrink`."""
        self.check_step(step)
        z = np.asarray(values, dtype=np.float64)
        above = np.maximum(np.abs(z) - math.sqrt(2.0 * self.weight) * self.norm * step, 0.0)
        return np.asarray(np.sign(z) * np.minimum(np.abs(z), above / (1.0 - self.norm**2 * step)))

    def cost(self, values: ArrayLike) -> Floats:
        """See :meth:`Penalty.cost`."""
        edge = math.sqrt(2.0 * self.weight) / self.norm
        size = np.minimum(np.abs(values), edge)
        return np.asarray(self.norm**2 * (edge - size / 2.0) * size)


@dataclass(frozen=True)
class Log(Penalty):
    r"""The logarithm, :math:`C = \lambda \ln(1 + |r| / \varepsilon)`: l1 of small values, ever flatter for large ones.

    Parameters
    ----------
    weight
        :math:`\lambda`.
    scale
        :math:`\varepsilon`, above 0.
    """

    scale: float = 0.1
    name: ClassVar[str] = "log"

    def __post_init__(self) -> None:
        """Check the numbers."""
        Penalty.__post_init__(self)
        if not self.scale > 0:
            raise AnalysisError(f"log: scale must be above 0, got {self.scale}.")

    def shrink(self, values: ArrayLike, step: float = 1.0) -> Floats:
        """See :meth:`Penalty.shrink`."""
        self.check_step(step)
        z = np.asarray(values, dtype=np.float64)
        size, price = np.abs(z), self.weight * step
        # where the slope vanishes: the larger root is a minimum, which 0 may still undercut
        inside = np.square(size + self.scale) - 4.0 * price
        root = np.maximum((size - self.scale + np.sqrt(np.maximum(inside, 0.0))) / 2.0, 0.0)
        there = 0.5 * np.square(root - size) + price * np.log1p(root / self.scale)
        return np.where((inside > 0) & (there < 0.5 * np.square(size)), np.sign(z) * root, 0.0)

    def cost(self, values: ArrayLike) -> Floats:
        """See :meth:`Penalty.cost`."""
        return np.asarray(self.weight * np.log1p(np.abs(values) / self.scale))


#: Every penalty by its name.
PENALTIES: Mapping[str, type[Penalty]] = MappingProxyType({kind.name: kind for kind in (Soft, Hard, Half, Cel0, Log)})


def penalty(name: str, weight: float, **parameters: float) -> Penalty:
    """Return a penalty by its name.

    Parameters
    ----------
    name
        One of ``PENALTIES``.
    weight, **parameters
        As of its class.

    Raises
    ------
    AnalysisError
        If there is none of that name, or a number is not what it should be.

    Examples
    --------
    >>> penalty("cel0", 0.5).shrink([0.3, 0.8, 2.0], step=0.4).round(6).tolist()
    [0.0, 0.666667, 2.0]
    """
    if name not in PENALTIES:
        raise AnalysisError(f"there is no penalty {name!r}.{nearest(str(name), PENALTIES)}")
    known = set(PENALTIES[name].__dataclass_fields__) - {"weight", "name"}
    for parameter in parameters:
        if parameter not in known:
            raise AnalysisError(f"penalty {name!r} has no parameter {parameter!r}.{nearest(parameter, known)}")
    return PENALTIES[name](weight, **parameters)
