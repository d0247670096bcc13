"""What an exported script needs besides Brian2: its text is copied into the script, so it reads nothing of neurosim.

Only numpy, Brian2 and the standard library may stand here.
"""

from __future__ import annotations

import hashlib
import math
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import brian2 as b2
import numpy as np

#: Seed of the random numbers, and the number of the repetition; the script states its own.
SEED, TRIAL = 0, 0


def step(code: str) -> Callable[..., str]:
    """Return an integrator whose step is the given statements, on plain SI numbers."""
    statements = textwrap.dedent(code)

    def integrator(equations: Any, variables: Any, method_options: Any = None) -> str:
        return statements

    return integrator


def unchecked(*runners: Any) -> None:
    """Let Brian2 execute statements in SI numbers, which have no units to check."""
    for runner in runners:
        runner.check_units = False


def each_step(group: Any, variable: str, rows: Iterator[Any], neurons: Any = slice(None)) -> Any:
    """Return the operation that writes the next row into a variable at the start of every step."""
    values = group.variables[variable].get_value()

    def write() -> None:
        values[neurons] = next(rows)

    return b2.NetworkOperation(write, when="start")


def held(starts: np.ndarray, values: np.ndarray) -> Iterator[np.ndarray]:
    """Yield a row for each step: row k of the values from step starts[k] on."""
    ends = [*starts[1:].tolist(), math.inf]
    number = 0
    for row, end in zip(values, ends, strict=True):
        while number < end:
            yield row
            number += 1


def random_bits(owner: str, n: int, site: int = 0) -> Iterator[np.ndarray]:
    """Yield n random numbers of 64 bits for each step: Philox4x32-10 (Salmon et al., SC 2011).

    Its key is a hash of seed, owner and site; its counter is the pair of neurons, the trial and the step.
    """
    message = SEED.to_bytes(8, "little") + site.to_bytes(4, "little") + owner.encode()
    digest = hashlib.blake2b(message, digest_size=8, person=b"neurosim.noise").digest()
    key = [np.uint64(int.from_bytes(digest[at : at + 4], "little")) for at in (0, 4)]
    low, half, many = np.uint64(0xFFFFFFFF), np.uint64(32), 64
    pairs = np.arange((n + 1) // 2, dtype=np.uint64)
    first = 0
    while True:
        steps = np.arange(first, first + many, dtype=np.uint64)[:, None]
        a, b, c, d = pairs, np.full_like(pairs, TRIAL), steps & low, steps >> half
        for number in range(10):
            k0 = (key[0] + np.uint64(number * 0x9E3779B9)) & low
            k1 = (key[1] + np.uint64(number * 0xBB67AE85)) & low
            x, y = np.uint64(0xD2511F53) * a, np.uint64(0xCD9E8D57) * c
            a, b, c, d = (y >> half) ^ b ^ k0, y & low, (x >> half) ^ d ^ k1, x & low
        bits = np.empty((many, 2 * pairs.size), dtype=np.uint64)
        bits[..., 0::2], bits[..., 1::2] = a | b << half, c | d << half
        yield from bits[:, :n]
        first += many


def uniform(owner: str, n: int, site: int = 0) -> Iterator[np.ndarray]:
    """Yield n numbers for each step, uniform on [0, 1)."""
    for bits in random_bits(owner, n, site):
        yield (bits >> np.uint64(11)).astype(np.int64) * 2.0**-53


def normal(owner: str, n: int, site: int = 0) -> Iterator[np.ndarray]:
    """Yield n numbers for each step from the standard normal distribution."""
    for bits in random_bits(owner, n + n % 2, site):
        yield normal_pairs(bits)[:n]


def normal_pairs(bits: np.ndarray) -> np.ndarray:
    """Return normal numbers, two from each two of 64 random bits: of a point, whose distance and direction are drawn.

    All functions are polynomials, whose bits are the same on every machine (G. E. P. Box, M. E. Muller, 1958).
    """

    def polynomial(x: np.ndarray, factors: list[float]) -> np.ndarray:
        result = np.full_like(x, factors[0])
        for factor in factors[1:]:
            result = result * x + factor
        return result

    first, second = np.ascontiguousarray(bits[..., 0::2]), np.ascontiguousarray(bits[..., 1::2])
    unit, upper = np.float64(1.0).view(np.uint64), np.uint64(12)
    # The distance, sqrt(-2 log(u)): u is m * 2**e, log(m) is 2 artanh((m - 1)/(m + 1)).
    u = (first >> upper | unit).view(np.float64) - (1.0 - 2.0**-53)
    root, fraction = np.float64(0.5**0.5).view(np.uint64), np.uint64(52)
    parts = u.view(np.uint64) + (unit - root)
    e = (parts >> fraction).astype(np.int64) - 1023
    m = ((parts & np.uint64(2**52 - 1)) + root).view(np.float64)
    s = (m - 1.0) / (m + 1.0)
    distance = np.sqrt(-e * 1.3862943611198906 - s * polynomial(s * s, LOGARITHM))
    # The direction, a quarter of the plane to both sides of an axis; two bits say of which one.
    g = (second >> upper | unit | np.uint64(1)).view(np.float64) - 1.5
    along, across = distance * polynomial(g * g, COSINE), distance * (g * polynomial(g * g, SINE))
    along = np.where(second & np.uint64(1), -along, along)
    turned = (second & np.uint64(2)) != 0
    result = np.empty(bits.shape)
    result[..., 0::2], result[..., 1::2] = np.where(turned, across, along), np.where(turned, along, across)
    return result


LOGARITHM = [
    0.2959189962055388, 0.3062810108414364, 0.3636712865290759, 0.44444397146360004, 0.5714285748477527,
    0.7999999999882935, 1.3333333333333468, 4.0,
]  # fmt: skip
SINE = [
    5.633938485968788e-08, -3.598643388267427e-06, 0.00016044115075211507, -0.004681754132342263, 0.07969262624604308,
    -0.6459640975062443, 1.5707963267948966,
]  # fmt: skip
COSINE = [
    -6.321892428417524e-09, 4.7106156574779583e-07, -2.520203699152642e-05, 0.0009192602742250312,
    -0.020863480763315442, 0.2536695079010469, -1.2337005501361697, 1.0,
]  # fmt: skip


def counts(owner: str, which: np.ndarray, tables: np.ndarray) -> Iterator[np.ndarray]:
    """Yield Poisson counts for each step: neuron k's distribution function is tables[which[k]]."""
    for chance in uniform(owner, which.size):
        if len(tables) == 1:
            yield np.searchsorted(tables[0], chance, side="left")
        else:
            yield (tables[which] < chance[:, None]).sum(axis=1)


def relative_exponential(x: Any) -> Any:
    """Return (exp(x) - 1)/x, which is 1 at 0."""
    small = np.abs(x) < 1e-16
    return np.where(small, 1.0, np.expm1(x) / np.where(small, 1.0, x))
