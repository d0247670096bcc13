"""Elementary functions that Triton leaves to a library of NVIDIA's, written in what its interpreter knows too.

``expm1`` and ``log1p`` undo the rounding of their argument by a quotient (Kahan; Higham, Accuracy and Stability of
Numerical Algorithms, SIAM 2002, section 1.14.1), and the hyperbolic functions follow from them.
"""

# Triton reads what it compiles: annotations must be its own, and its decorator has no types.
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def expm1(x):
    """Return exp(x) - 1."""
    u = tl.exp(x)
    plain = u - 1.0
    # Where u is 1 or -1 + u is -1 the quotient would be 0 / 0 or infinite; beyond +-20 it changes no digit.
    safe = (u != 1.0) & (tl.abs(x) < 20.0)
    divisor = tl.where(safe, tl.log(tl.where(safe, u, 2.0)), 1.0)
    return tl.where(safe, plain * x / divisor, tl.where(u == 1.0, x, plain))


@triton.jit
def log1p(x):
    """Return log(1 + x)."""
    u = 1.0 + x
    # An infinite quotient of infinities is infinite, as the logarithm is.
    safe = (u != 1.0) & (u < 1e30)
    return tl.where(safe, tl.log(u) * x / tl.where(safe, u - 1.0, 1.0), tl.where(u == 1.0, x, tl.log(u)))


@triton.jit
def tanh(x):
    """Return the hyperbolic tangent."""
    e = expm1(-2.0 * tl.abs(x))
    size = -e / (e + 2.0)
    return tl.where(x < 0.0, -size, size)


@triton.jit
def sinh(x):
    """Return the hyperbolic sine."""
    e = expm1(tl.abs(x))
    size = 0.5 * (e + tl.where(e > 1e30, 1.0, e / (e + 1.0)))
    return tl.where(x < 0.0, -size, size)


@triton.jit
def cosh(x):
    """Return the hyperbolic cosine."""
    e = tl.exp(tl.abs(x))
    return 0.5 * (e + 1.0 / e)
