"""Normal numbers from uniform ones, a block at a time, with the bits of ``scipy.special.ndtri``.

Three numbers out of four lie where the inverse distribution function is a ratio of polynomials; it is computed for the
whole block, in a loop that compilers vectorise. The others are gathered. Their logarithms come from the library that
``ndtri`` itself calls, through ``scipy.special.xlogy``, and what follows is vectorised again. IEEE arithmetic fixes
every bit of both loops, unless scipy was compiled with other roundings: on such a machine, which is found out before
the first use, ``ndtri`` is called as it is.

References
----------
S. L. Moshier: Cephes Mathematical Library, release 2.1, ``ndtri`` (1989), the approximations that scipy uses.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy.special import ndtri, xlogy

from neurosim.backends.snntorch.simulation.operating import compiled_function
from neurosim.backends.snntorch.simulation.pointers import address_of, apply_in_place, apply_with_one, loop_of

#: Numbers of scratch memory for each number of a block; one more is needed.
SCRATCH = 5
#: Addresses of the loops of ``ndtri`` and ``xlogy``, and of their data.
Functions = tuple[int, int, int, int]

#: Where the tails begin, exp(-2), and where sqrt(-2 log(p)) is too large for the approximation of the tails.
_EDGE, _FAR = 0.13533528323661269189, 8.0
_ROOT = 2.50662827463100050242  # of 2 pi


def _centre(values: Any) -> None:
    """Compute in place what is right between the tails."""
    for lane in range(values.size):
        y = values[lane] - 0.5
        s = y * y
        above = -5.99633501014107895267e1 * s + 9.80010754185999661536e1
        above = (above * s + -5.66762857469070293439e1) * s + 1.39312609387279679503e1
        above = above * s + -1.23916583867381258016e0
        below = (s + 1.95448858338141759834e0) * s + 4.67627912898881538453e0
        below = (below * s + 8.63602421390890590575e1) * s + -2.25462687854119370527e2
        below = (below * s + 2.00260212380060660359e2) * s + -8.20372256168333339912e1
        below = (below * s + 1.59056225126211695515e1) * s + -1.18331621121330003142e0
        values[lane] = (y + y * (s * above / below)) * _ROOT


def _tails(roots: Any, logarithms: Any, results: Any) -> None:
    """Compute distances from 0 in the tails, from sqrt(-2 log(p)) and its logarithm."""
    for lane in range(roots.size):
        x = roots[lane]
        z = 1.0 / x
        above = 4.05544892305962419923e0 * z + 3.15251094599893866154e1
        above = (above * z + 5.71628192246421288162e1) * z + 4.40805073893200834700e1
        above = (above * z + 1.46849561928858024014e1) * z + 2.18663306850790267539e0
        above = (above * z + -1.40256079171354495875e-1) * z + -3.50424626827848203418e-2
        above = above * z + -8.57456785154685413611e-4
        below = (z + 1.57799883256466749731e1) * z + 4.53907635128879210584e1
        below = (below * z + 4.13172038254672030440e1) * z + 1.50425385692907503408e1
        below = (below * z + 2.50464946208309415979e0) * z + -1.42182922854787788574e-1
        below = (below * z + -3.80806407691578277194e-2) * z + -9.33259480895457427372e-4
        results[lane] = (x - logarithms[lane] / x) - z * above / below


centre, tails = compiled_function(_centre), compiled_function(_tails)


def _invert(values: Any, scratch: Any, functions: Any) -> None:
    """Replace uniform numbers, (n,), between 0 and 1, by normal ones.

    `scratch` has SCRATCH times as many and one; `functions` are as :func:`found_functions` returns them.
    """
    n = values.size
    places, small, roots = scratch[:n], scratch[n : 2 * n], scratch[2 * n : 3 * n]
    logarithms, results = scratch[3 * n : 4 * n], scratch[4 * n : 5 * n]
    count = 0
    for lane in range(n):  # without a branch: nothing foresees which way it would go
        places[count] = lane
        count += (values[lane] <= _EDGE) | (values[lane] > 1.0 - _EDGE)
    for index in range(count):
        place = places[index]
        value = values[int(place)]
        small[index] = value if value < 0.5 else 1.0 - value
        places[index] = place if value > 0.5 else -1.0 - place
    centre(values)
    one = scratch[5 * n :]
    one[0] = -2.0
    apply_with_one(functions[2], functions[3], count, address_of(one), address_of(small), address_of(roots))
    for index in range(count):
        roots[index] = np.sqrt(roots[index])
    one[0] = 1.0
    apply_with_one(functions[2], functions[3], count, address_of(one), address_of(roots), address_of(logarithms))
    tails(roots[:count], logarithms[:count], results[:count])
    for index in range(count):
        place, result = int(places[index]), results[index]
        if roots[index] >= _FAR:  # once in 10^14 numbers
            results[index] = small[index]
            apply_in_place(functions[0], functions[1], 1, address_of(results[index:]))
            result = -results[index]
        values[place if place >= 0 else -1 - place] = result if place >= 0 else -result


invert = compiled_function(_invert)


@cache
def found_functions() -> Functions | None:
    """Return what :func:`invert` calls; ``None`` where ``ndtri`` gives other bits, or is not found."""
    direct, logarithm = loop_of(ndtri), loop_of(xlogy)
    if direct is None or logarithm is None:
        return None
    whole = np.linspace(0.0, 2.0**52 - 1.0, 2047).astype(np.int64)
    near = np.unique(np.geomspace(1.0, 2.0**50, 400).astype(np.int64)) - 1
    values = (np.concatenate([whole, near, 2**52 - 1 - near]).astype(np.float64) + 0.5) * 2.0**-52
    expected, functions = ndtri(values), (*direct, *logarithm)
    invert(values, np.zeros(SCRATCH * values.size + 1), functions)
    return functions if values.tobytes() == expected.tobytes() else None
