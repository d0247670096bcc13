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
        bits[:, 0::2], bits[:, 1::2] = a | b << half, c | d << half
        yield from bits[:, :n]
        first += many


def uniform(owner: str, n: int, site: int = 0) -> Iterator[np.ndarray]:
    """Yield n numbers for each step, uniform on [0, 1)."""
    for bits in random_bits(owner, n, site):
        yield (bits >> np.uint64(11)).astype(np.int64) * 2.0**-53


def normal(owner: str, n: int, site: int = 0) -> Iterator[np.ndarray]:
    """Yield n numbers for each step from the standard normal distribution."""
    for bits in random_bits(owner, n, site):
        yield inverse_normal(((bits >> np.uint64(12)).astype(np.int64) + 0.5) * 2.0**-52)


def inverse_normal(p: np.ndarray) -> np.ndarray:
    """Return the value below which a standard normal number lies with probability p (Moshier, Cephes, ndtri.c)."""

    def ratio(x: np.ndarray, above: list[float], below: list[float]) -> np.ndarray:
        """Return x times a polynomial over another."""
        top, bottom = np.full_like(x, above[0]), x + below[0]
        for factor in above[1:]:
            top = top * x + factor
        for factor in below[1:]:
            bottom = bottom * x + factor
        quotient: np.ndarray = x * top / bottom
        return quotient

    edge = 0.13533528323661269189
    y = p - 0.5
    square = y * y
    result: np.ndarray = (y + y * ratio(square, *CENTRE)) * 2.50662827463100050242
    tail = np.where(p > 1.0 - edge, 1.0 - p, p)
    outside = tail <= edge
    # math.log is the C library's; numpy's may differ in the last bit.
    x = np.sqrt([-2.0 * math.log(value) for value in tail[outside]])
    z = 1.0 / x
    correction = np.where(x < 8.0, ratio(z, *TAIL), ratio(z, *FAR_TAIL))
    size = x - np.array([math.log(value) for value in x]) / x - correction
    result[outside] = np.where(p[outside] > 0.5, size, -size)
    return result


CENTRE = (
    [-5.99633501014107895267e1, 9.80010754185999661536e1, -5.66762857469070293439e1, 1.39312609387279679503e1,
     -1.23916583867381258016e0],
    [1.95448858338141759834e0, 4.67627912898881538453e0, 8.63602421390890590575e1, -2.25462687854119370527e2,
     2.00260212380060660359e2, -8.20372256168333339912e1, 1.59056225126211695515e1, -1.18331621121330003142e0],
)  # fmt: skip
TAIL = (
    [4.05544892305962419923e0, 3.15251094599893866154e1, 5.71628192246421288162e1, 4.40805073893200834700e1,
     1.46849561928858024014e1, 2.18663306850790267539e0, -1.40256079171354495875e-1, -3.50424626827848203418e-2,
     -8.57456785154685413611e-4],
    [1.57799883256466749731e1, 4.53907635128879210584e1, 4.13172038254672030440e1, 1.50425385692907503408e1,
     2.50464946208309415979e0, -1.42182922854787788574e-1, -3.80806407691578277194e-2, -9.33259480895457427372e-4],
)  # fmt: skip
FAR_TAIL = (
    [3.23774891776946035970e0, 6.91522889068984211695e0, 3.93881025292474443415e0, 1.33303460815807542389e0,
     2.01485389549179081538e-1, 1.23716634817820021358e-2, 3.01581553508235416007e-4, 2.65806974686737550832e-6,
     6.23974539184983293730e-9],
    [6.02427039364742014255e0, 3.67983563856160859403e0, 1.37702099489081330271e0, 2.16236993594496635890e-1,
     1.34204006088543189037e-2, 3.28014464682127739104e-4, 2.89247864745380683936e-6, 6.79019408009981274425e-9],
)  # fmt: skip


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
