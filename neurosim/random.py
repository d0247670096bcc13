"""The one source of random numbers: a draw is a pure function of where it is used, never of when.

Every number comes from Philox4x32-10, a counter-based generator: a keyed bijection of 128-bit counters. The key says
whose number it is (seed, object path, purpose), the counter says which one. Nothing is consumed in order, so neither
chunking, nor the number of trials or neurons, nor the order of calls can change a value.

Layout, words of 32 bits, least significant first:

=================  ==========================================================  ==================================
use                key (64 bits)                                               counter words 0, 1, 2, 3
=================  ==========================================================  ==================================
structure          BLAKE2b-64 of seed and path, tag ``neurosim.build``         block low, block high, 0, 0
run noise          BLAKE2b-64 of seed, site and path, tag ``neurosim.noise``   block, trial, step low, step high
=================  ==========================================================  ==================================

One block of four output words holds two draws of 64 bits (word 0 + 2**32 * word 1, then word 2 + 2**32 * word 3), so
element or neuron ``i`` lives in block ``i // 2``, half ``i % 2``.

Normal draws of structure invert the distribution function (``scipy.special.ndtri``): one draw per value, increasing in
its uniform draw. The noise of runs, of which there is much, takes both draws of a block for the two normal numbers of
its neurons (Box and Muller). With m the upper 52 bits of the first draw and k the upper 51 of the second, s and t the
lowest bit of the second and the one above,

    r = sqrt(-2 log((m + 1/2) 2**-52)),    a = pi/2 ((k + 1/2) 2**-51 - 1/2),

the point (r cos(a), r sin(a)) lies in a quarter of the plane; s changes the sign of its first coordinate, then t
exchanges the two. They are independent normal numbers, at most 8.6 from 0, computed with relative errors below 5e-16.

Everything here is numpy but the noise of runs, which comes from the same generator as numba compiles it
(`neurosim.philox`), for both backends: whole numbers, and arithmetic that IEEE fixes to the last bit.

References
----------
J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011,
doi:10.1145/2063384.2063405.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.errors import CircuitError, nearest

Words: TypeAlias = NDArray[np.uint64]
Floats: TypeAlias = NDArray[np.float64]
NoiseKind: TypeAlias = Literal["normal", "uniform"]

_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ROUNDS = 10

# Blocks computed at once: the temporaries of one round (8 bytes each) stay in a core's second-level cache.
_BLOCKS_AT_ONCE = 8192


def philox_round(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> tuple[Any, Any, Any, Any]:
    """One round of Philox4x32 on 32-bit words held in uint64, scalars or arrays."""
    product_0 = _MULTIPLIER_0 * c0
    product_1 = _MULTIPLIER_1 * c2
    return (product_1 >> _HALF) ^ c1 ^ k0, product_1 & _LOW, (product_0 >> _HALF) ^ c3 ^ k1, product_0 & _LOW


def philox_words(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> tuple[Any, Any, Any, Any]:
    """All ten rounds on 32-bit words held in uint64, scalars or arrays that broadcast against each other."""
    for _ in range(_ROUNDS):
        c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, k0, k1)
        k0, k1 = (k0 + _WEYL_0) & _LOW, (k1 + _WEYL_1) & _LOW
    return c0, c1, c2, c3


def philox4x32(counter: ArrayLike, key: ArrayLike) -> NDArray[np.uint32]:
    """Philox4x32-10 as published.

    Parameters
    ----------
    counter
        Shape (..., 4), uint32.
    key
        Shape (..., 2), uint32; broadcasts against ``counter`` without the last axis.

    Returns
    -------
    numpy.ndarray
        Shape (..., 4), uint32.
    """
    counters, keys = (np.asarray(words, dtype=np.uint32).astype(np.uint64) for words in (counter, key))
    if counters.shape[-1:] != (4,) or keys.shape[-1:] != (2,):
        raise CircuitError(
            f"philox4x32: counter {counters.shape} and key {keys.shape}: the last axes must hold 4 and 2 words."
        )
    words = philox_words(*np.moveaxis(counters, -1, 0), *np.moveaxis(keys, -1, 0))
    return np.stack(np.broadcast_arrays(*words), axis=-1).astype(np.uint32)


def uniform_from_bits(bits: Words) -> Floats:
    """Map 64 random bits to [0, 1): the upper 53 bits times 2**-53."""
    return (bits >> np.uint64(11)).view(np.int64) * np.float64(2.0**-53)


def normal_from_bits(bits: Words) -> Floats:
    """Map 64 random bits to a standard normal: the inverse distribution function of (upper 52 bits + 1/2) * 2**-52.

    The half keeps the argument inside (0, 1) and symmetric; the largest value is 8.2.
    """
    from scipy.special import ndtri

    values: Floats = ndtri(((bits >> np.uint64(12)).view(np.int64) + 0.5) * 2.0**-52)
    return values


def exponential_from_bits(bits: Words) -> Floats:
    """Map 64 random bits to an exponential of mean 1 (at most 36.8): -log(1 - u)."""
    from scipy.special import log1p  # numpy's own differs in the last bit from processor to processor

    values: Floats = -log1p(-uniform_from_bits(bits))
    return values


def integers_from_bits(bits: Words, high: int) -> NDArray[np.int64]:
    """Map 64 random bits to 0 .. high - 1 as ``bits * high >> 64`` (uneven by less than high / 2**64).

    Raises
    ------
    CircuitError
        ``high`` is outside 1 .. 2**32.
    """
    factor = np.uint64(_whole("high", high, 1, 2**32))
    return (((bits >> _HALF) * factor + ((bits & _LOW) * factor >> _HALF)) >> _HALF).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Stream:
    """Random numbers for one purpose of one object, indexed by element.

    Element ``i`` of any draw depends on (seed, path, i) alone. All draws of one stream share the same bits: take a
    ``child`` for each purpose.

    Parameters
    ----------
    seed
        0 .. 2**64 - 1, the circuit's.
    path
        The address of what is drawn, for instance ``"exc_to_inh/weight"``.

    Examples
    --------
    >>> stream = Stream(1, "exc").child("v")
    >>> bool((stream.uniform(5)[3:] == stream.uniform(2, offset=3)).all())
    True
    """

    seed: int
    path: str

    def __post_init__(self) -> None:
        """Check the seed."""
        object.__setattr__(self, "seed", _checked_seed(self.seed))

    def child(self, name: str) -> Stream:
        """Return the stream of a sub-path: ``Stream(seed, path + "/" + name)``."""
        return Stream(self.seed, f"{self.path}/{name}")

    def uniform(self, n: int, offset: int = 0) -> Floats:
        """Elements ``offset .. offset + n - 1``, uniform on [0, 1) with 53 bits; shape (n,)."""
        return self._draw(n, offset, uniform_from_bits, float)

    def normal(self, n: int, offset: int = 0) -> Floats:
        """Elements ``offset .. offset + n - 1``, normal with mean 0 and standard deviation 1; shape (n,)."""
        return self._draw(n, offset, normal_from_bits, float)

    def exponential(self, n: int, offset: int = 0) -> Floats:
        """Elements ``offset .. offset + n - 1``, exponential with mean 1; shape (n,)."""
        return self._draw(n, offset, exponential_from_bits, float)

    def integers(self, high: int, n: int, offset: int = 0) -> NDArray[np.int64]:
        """Elements ``offset .. offset + n - 1``, whole numbers 0 .. high - 1 (high at most 2**32); shape (n,)."""
        return self._draw(n, offset, lambda bits: integers_from_bits(bits, high), np.int64)

    def permutation(self, n: int) -> NDArray[np.int64]:
        """Return 0 .. n - 1 in random order, shape (n,): the order of n draws of 64 bits."""
        keys = self._draw(n, 0, lambda bits: bits, np.uint64)
        return np.argsort(keys, kind="stable").astype(np.int64, copy=False)

    def bits_at(self, indices: ArrayLike) -> Words:
        """Return the 64 random bits of any elements, given by index (not negative); same shape as ``indices``."""
        elements = np.asarray(indices).astype(np.uint64)
        first, second = _two_draws(*self._block_words(elements >> np.uint64(1)))
        return np.where(elements & np.uint64(1), second, first)

    def _block_words(self, blocks: Words) -> tuple[Words, Words, Words, Words]:
        zero = np.uint64(0)
        return philox_words(blocks & _LOW, blocks >> _HALF, zero, zero, *_key(b"neurosim.build", self.seed, self.path))

    def _draw(self, n: int, offset: int, convert: Callable[[Words], NDArray[Any]], dtype: type) -> NDArray[Any]:
        n, offset = _whole("n", n, 0, 2**63 - 1), _whole("offset", offset, 0, 2**63 - 1)
        out: NDArray[Any] = np.empty(n, dtype=dtype)
        first_block, half = divmod(offset, 2)
        n_blocks = (n + half + 1) // 2
        bits = np.empty(2 * min(n_blocks, _BLOCKS_AT_ONCE), dtype=np.uint64)
        for done in range(0, n_blocks, _BLOCKS_AT_ONCE):
            blocks = np.uint64(first_block + done) + np.arange(min(_BLOCKS_AT_ONCE, n_blocks - done), dtype=np.uint64)
            bits[0 : 2 * blocks.size : 2], bits[1 : 2 * blocks.size : 2] = _two_draws(*self._block_words(blocks))
            # Bit i of this chunk is element (2 * done - half + i) of the answer.
            begin, end = max(2 * done - half, 0), min(2 * (done + blocks.size) - half, n)
            out[begin:end] = convert(bits[begin - 2 * done + half : end - 2 * done + half])
        return out


def noise(
    seed: int,
    path: str,
    *,
    trials: tuple[int, int],
    steps: tuple[int, int],
    neurons: int | ArrayLike,
    site: int = 0,
    kind: NoiseKind = "normal",
) -> Floats:
    """Draw the noise of a run; each value depends on (seed, path, site, trial, step, neuron) alone.

    Both kinds share the same bits: give each place of an equation that draws a ``site`` of its own.

    Parameters
    ----------
    seed
        0 .. 2**64 - 1, the run's.
    path
        The address of the object that draws.
    trials, steps
        Ranges (start, stop); trials below 2**32, steps below 2**64.
    neurons
        A number n (neurons 0 .. n - 1), or the indices, in any order, below 2**32; shape (neuron,).
    site
        Which draw of the object this is, 0 .. 2**32 - 1.
    kind
        ``"normal"`` (mean 0, standard deviation 1) or ``"uniform"`` (on [0, 1)).

    Returns
    -------
    numpy.ndarray
        Shape (step, trial, neuron), float64, dimensionless.

    Raises
    ------
    CircuitError
        A range, index, seed, site or kind that does not exist.
    """
    if kind not in get_args(NoiseKind):
        raise CircuitError(f"noise: there is no kind {kind!r}.{nearest(str(kind), get_args(NoiseKind))}")
    first_trial, n_trials = _checked_range("trials", trials, 2**32)
    first_step, n_steps = _checked_range("steps", steps, 2**64)
    indices = _checked_neurons(neurons)
    key = _key(b"neurosim.noise", _checked_seed(seed), path, _whole("site", site, 0, 2**32 - 1))
    out = np.empty((n_steps, n_trials, indices.size))
    if out.size:
        from neurosim.philox import fill_noise  # numba is loaded by runs that draw

        flat = out.reshape(n_steps * n_trials, indices.size)
        fill_noise(flat, indices, step=first_step, trial=first_trial, trials=n_trials, key=key, normal=kind == "normal")
    return out


def noise_key(seed: int, path: str, site: int = 0) -> tuple[int, int]:
    """Return both words of the key under which :func:`noise` draws, for compiled programs that draw by themselves."""
    first, second = _key(b"neurosim.noise", _checked_seed(seed), path, _whole("site", site, 0, 2**32 - 1))
    return int(first), int(second)


def _key(tag: bytes, seed: int, path: str, site: int = 0) -> tuple[np.uint64, np.uint64]:
    """Hash what a draw belongs to into the two key words; the numbers have a fixed width, so no two inputs collide."""
    message = seed.to_bytes(8, "little") + site.to_bytes(4, "little") + path.encode()
    digest = hashlib.blake2b(message, digest_size=8, person=tag).digest()
    return np.uint64(int.from_bytes(digest[:4], "little")), np.uint64(int.from_bytes(digest[4:], "little"))


def _two_draws(w0: Words, w1: Words, w2: Words, w3: Words) -> tuple[Words, Words]:
    return w0 | w1 << _HALF, w2 | w3 << _HALF


def _whole(name: str, value: object, low: int, high: int) -> int:
    """Return ``value`` as an int of low .. high, or say what it should have been."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or isinstance(value, (bool, np.bool)) or not low <= number <= high:
        raise CircuitError(f"random numbers: {name}={value!r} must be a whole number from {low} to {high}.")
    return number


def _checked_seed(seed: object) -> int:
    return _whole("seed", seed, 0, 2**64 - 1)


def _checked_range(name: str, given: tuple[int, int], limit: int) -> tuple[int, int]:
    """Return (start, length) of a range (start, stop)."""
    try:
        start, stop = given
    except (TypeError, ValueError):
        raise CircuitError(f"random numbers: {name}={given!r} must be a range (start, stop).") from None
    begin = _whole(f"start of {name}", start, 0, limit)
    return begin, _whole(f"stop of {name}", stop, begin, limit) - begin


def _checked_neurons(neurons: int | ArrayLike) -> Words:
    array = np.asarray(neurons)
    if array.ndim == 0:
        return np.arange(_whole("neurons", array.item(), 0, 2**32), dtype=np.uint64)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise CircuitError(
            f"random numbers: neurons of shape {array.shape} and type {array.dtype} must be a number or whole indices."
        )
    if array.size:
        _whole("smallest of neurons", array.min(), 0, 2**32 - 1)
        _whole("largest of neurons", array.max(), 0, 2**32 - 1)
    return array.astype(np.uint64)
