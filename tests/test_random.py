"""Random numbers: the published vectors, the documented layout, the distributions, and independence of everything."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mpmath import mp
from scipy import stats
from scipy.special import ndtri

from neurosim import random
from neurosim.errors import CircuitError
from neurosim.philox import normal_pairs
from neurosim.random import (
    Stream,
    exponential_from_bits,
    integers_from_bits,
    noise,
    normal_from_bits,
    philox4x32,
    uniform_from_bits,
)

KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]
GOLDEN_INTEGERS = [346345, 554808, 720316, 412477]
GOLDEN_NORMALS = [[0.4757415109336918, 0.3280510289150988], [-0.3228518322568285, -1.388853663886803]]
SEEDS = st.integers(0, 2**64 - 1)


def words(text: str) -> np.ndarray:
    return np.array([int(word, 16) for word in text.split()], dtype=np.uint32)


def hashed_key(tag: bytes, message: bytes) -> np.ndarray:
    return np.frombuffer(hashlib.blake2b(message, digest_size=8, person=tag).digest(), dtype="<u4")


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_philox_equals_the_published_known_answers(counter: str, key: str, expected: str) -> None:
    np.testing.assert_array_equal(philox4x32(words(counter), words(key)), words(expected))


def test_philox_broadcasts_counters_against_keys() -> None:
    counters = np.stack([words(counter) for counter, _, _ in KNOWN_ANSWERS])
    keys = np.stack([words(key) for _, key, _ in KNOWN_ANSWERS])
    table = philox4x32(counters[:, None], keys)
    assert table.shape == (3, 3, 4)
    assert table.dtype == np.uint32
    np.testing.assert_array_equal(
        table[[0, 1, 2], [0, 1, 2]], np.stack([words(answer) for *_, answer in KNOWN_ANSWERS])
    )


def test_philox_refuses_other_shapes() -> None:
    with pytest.raises(CircuitError, match="must hold 4 and 2 words"):
        philox4x32(np.zeros(3, np.uint32), np.zeros(2, np.uint32))


def test_structure_layout_is_the_documented_one() -> None:
    key = hashed_key(b"neurosim.build", (5).to_bytes(8, "little") + bytes(4) + b"exc/v")
    element = 2**33 + 7
    block = philox4x32([element // 2 & 0xFFFFFFFF, element // 2 >> 32, 0, 0], key).astype(np.uint64)
    expected = int(block[2]) | int(block[3]) << 32
    stream = Stream(5, "exc").child("v")
    assert stream.bits_at([element])[0] == expected
    assert stream.uniform(1, offset=element)[0] == (expected >> 11) * 2.0**-53
    assert stream.integers(1000, 1, offset=element)[0] == expected * 1000 >> 64
    assert stream.normal(1, offset=element)[0] == ndtri(((expected >> 12) + 0.5) * 2.0**-52)


def test_noise_layout_is_the_documented_one() -> None:
    seed, path, site, trial, step, neuron = 2**64 - 1, "exc", 3, 9, 2**40 + 5, 12
    key = hashed_key(b"neurosim.noise", seed.to_bytes(8, "little") + site.to_bytes(4, "little") + path.encode())
    block = philox4x32([neuron // 2, trial, step & 0xFFFFFFFF, step >> 32], key).astype(np.uint64)
    first, second = int(block[0]) | int(block[1]) << 32, int(block[2]) | int(block[3]) << 32
    ranges = {"trials": (trial, trial + 1), "steps": (step, step + 1), "neurons": [neuron, neuron + 1], "site": site}
    uniform = noise(seed, path, **ranges, kind="uniform")
    assert uniform.ravel().tolist() == [(first >> 11) * 2.0**-53, (second >> 11) * 2.0**-53]
    np.testing.assert_allclose(noise(seed, path, **ranges).ravel(), normal_pair(first, second), rtol=5e-16)


def normal_pair(first: int, second: int) -> list[float]:
    """Return two normal numbers as the documentation of `neurosim.random` defines them, by exact functions."""
    with mp.workdps(40):
        distance = mp.sqrt(-2 * mp.log(((first >> 12) + mp.mpf("0.5")) / 2**52))
        angle = mp.pi / 2 * (((second >> 13) + mp.mpf("0.5")) / 2**51 - mp.mpf("0.5"))
        along = distance * mp.cos(angle) * (-1 if second & 1 else 1)
        pair = [float(along), float(distance * mp.sin(angle))]
    return pair[::-1] if second & 2 else pair


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
@example(0, 0)
@example(2**64 - 1, 2**64 - 1)
@example(2**64 - 1, 2**63)
@example(0, 2**63 - 1)
@example(round(0.5**0.5 * 2**64), 2**62)
def test_normal_pairs_are_those_of_exact_functions(first: int, second: int) -> None:
    """Also at the ends: the farthest point and the nearest, and where the logarithm passes from one power of 2 on."""
    for near in range(-3, 4):
        words = [np.array([min(max(bits + (near << 12), 0), 2**64 - 1)], np.uint64) for bits in (first, second)]
        values = np.zeros(2)
        normal_pairs(*words, values)
        np.testing.assert_allclose(values, normal_pair(*(int(word[0]) for word in words)), rtol=5e-16, atol=0)


def test_normal_pairs_reach_as_far_as_their_bits_say() -> None:
    first, second = (np.array([bits], np.uint64) for bits in (0, 2**63))
    values = np.zeros(2)
    normal_pairs(first, second, values)
    assert np.abs(values).max() == pytest.approx((2 * 53 * np.log(2)) ** 0.5, rel=1e-15)
    assert 0 < np.abs(values).min() < 1e-14


def test_normal_pairs_turn_to_all_sides_alike() -> None:
    """The lowest two bits of the angle carry a point to four places: each is a turn or a mirror image of the others."""
    first = np.full(4, 12345 << 20, np.uint64)
    second = np.uint64(2**61 + 2**50) + np.arange(4, dtype=np.uint64)
    values = np.zeros(8)
    normal_pairs(first, second, values)
    (x, y), *others = values.reshape(4, 2).tolist()
    assert others == [[-x, y], [y, x], [y, -x]]


def test_values_do_not_change_between_versions() -> None:
    np.testing.assert_array_equal(Stream(1, "exc").integers(10**6, 4), GOLDEN_INTEGERS)
    values = noise(7, "exc", trials=(0, 1), steps=(10, 12), neurons=2)
    np.testing.assert_array_equal(values[:, 0], GOLDEN_NORMALS)


def test_extreme_bits_stay_in_range() -> None:
    bits = np.array([0, 2**64 - 1], dtype=np.uint64)
    np.testing.assert_array_equal(uniform_from_bits(bits), [0.0, 1 - 2.0**-53])
    low, high = normal_from_bits(bits)
    assert low == -high
    assert 8.1 < high < 8.3
    np.testing.assert_allclose(exponential_from_bits(bits), [0.0, 53 * np.log(2)])
    np.testing.assert_array_equal(integers_from_bits(bits, 2**32), [0, 2**32 - 1])
    np.testing.assert_array_equal(integers_from_bits(bits, 1), [0, 0])


@given(st.integers(0, 2**64 - 1), st.integers(1, 2**32))
def test_integers_are_the_upper_half_of_the_product(bits: int, high: int) -> None:
    assert integers_from_bits(np.array([bits], dtype=np.uint64), high)[0] == bits * high >> 64


N = 200_000


@pytest.mark.parametrize(
    ("kind", "distribution", "mean", "deviation"),
    [
        ("uniform", stats.uniform, 0.5, 12**-0.5),
        ("normal", stats.norm, 0.0, 1.0),
        ("exponential", stats.expon, 1.0, 1.0),
    ],
)
def test_structure_draws_follow_their_distribution(
    kind: str, distribution: object, mean: float, deviation: float
) -> None:
    values = getattr(Stream(11, f"statistics/{kind}"), kind)(N)
    assert abs(values.mean() - mean) < 4 * deviation / N**0.5
    assert abs(values.std() - deviation) < 8 * deviation / N**0.5
    assert stats.kstest(values, distribution.cdf).pvalue > 1e-3


@pytest.mark.parametrize(("kind", "distribution"), [("uniform", stats.uniform), ("normal", stats.norm)])
def test_noise_follows_its_distribution(kind: str, distribution: object) -> None:
    values = noise(3, "exc", trials=(0, 20), steps=(0, 100), neurons=100, kind=kind)
    assert stats.kstest(values.ravel(), distribution.cdf).pvalue > 1e-3
    one, other = (
        distribution.cdf(values[:, :, 0::2]).ravel(),
        distribution.cdf(values[:, :, 1::2]).ravel(),
    )  # of a block
    for independent in (one, np.mod(one + other, 1.0), np.mod(one - other, 1.0), other):
        assert stats.kstest(independent, "uniform").pvalue > 1e-3
    for axes in ((0, 1), (0, 2), (1, 2)):
        means = values.mean(axis=axes)
        errors = distribution.std() / (values.size / means.size) ** 0.5
        assert (np.abs(means - distribution.mean()) < 4.5 * errors).all()


def test_every_byte_of_the_bits_is_uniform() -> None:
    data = Stream(2, "bits").bits_at(np.arange(100_000)).view(np.uint8).reshape(-1, 8)
    for column in data.T:
        assert stats.chisquare(np.bincount(column, minlength=256)).pvalue > 1e-4


def test_integers_are_uniform_and_permutations_permute() -> None:
    assert stats.chisquare(np.bincount(Stream(1, "i").integers(37, N), minlength=37)).pvalue > 1e-3
    orders = np.stack([Stream(seed, "p").permutation(5) for seed in range(3000)])
    assert (np.sort(orders, axis=1) == np.arange(5)).all()
    codes = np.unique(orders @ 5 ** np.arange(5), return_counts=True)[1]
    assert codes.size == 120
    assert stats.chisquare(codes).pvalue > 1e-3


def test_neighbours_of_every_kind_are_independent() -> None:
    ranges = {"trials": (0, 1), "steps": (0, 300), "neurons": 100}
    base = noise(1, "exc", **ranges)
    others = [
        noise(2, "exc", **ranges),
        noise(1, "inh", **ranges),
        noise(1, "exc", **ranges, site=1),
        noise(1, "exc", trials=(1, 2), steps=(0, 300), neurons=100),
        noise(1, "exc", trials=(0, 1), steps=(1, 301), neurons=100),
        noise(1, "exc", trials=(0, 1), steps=(2**32, 2**32 + 300), neurons=100),
        noise(1, "exc", trials=(0, 1), steps=(0, 300), neurons=np.arange(1, 101)),
        Stream(1, "exc").normal(base.size),
    ]
    for other in others:
        assert abs(np.corrcoef(base.ravel(), other.ravel())[0, 1]) < 4 / base.size**0.5
    streams = [Stream(1, "a"), Stream(2, "a"), Stream(1, "b"), Stream(1, "a").child("b"), Stream(2**63 + 1, "a")]
    for one, two in pairwise(stream.normal(30_000) for stream in streams):
        assert abs(np.corrcoef(one, two)[0, 1]) < 4 / one.size**0.5


@pytest.mark.parametrize("kind", ["uniform", "normal", "exponential"])
def test_structure_draws_do_not_depend_on_chunks(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(4, "chunks")
    whole = getattr(stream, kind)(50)
    for chunk in (1, 2, 3, 7):
        monkeypatch.setattr(random, "_BLOCKS_AT_ONCE", chunk)
        for offset in (0, 1, 2, 5, 13):
            for n in (0, 1, 2, 6, 7, 13, 37):
                np.testing.assert_array_equal(getattr(stream, kind)(n, offset=offset), whole[offset : offset + n])


@given(SEEDS, st.integers(0, 2**62), st.lists(st.integers(0, 500), max_size=20))
def test_bits_at_any_indices_are_those_of_the_elements(seed: int, start: int, indices: list[int]) -> None:
    stream = Stream(seed, "any")
    at = stream.bits_at(np.array(indices, dtype=np.int64) + start)
    np.testing.assert_array_equal(
        uniform_from_bits(at), stream.uniform(501, offset=start)[np.array(indices, dtype=int)]
    )


@given(
    seed=SEEDS,
    first_step=st.integers(0, 2**64 - 100),
    step=st.tuples(st.integers(0, 9), st.integers(0, 9)).map(sorted),
    trial=st.tuples(st.integers(0, 5), st.integers(0, 5)).map(sorted),
    neurons=st.lists(st.integers(0, 39), max_size=12),
    kind=st.sampled_from(["normal", "uniform"]),
)
def test_noise_depends_on_its_own_indices_only(
    seed: int, first_step: int, step: list[int], trial: list[int], neurons: list[int], kind: str
) -> None:
    whole = noise(seed, "exc", trials=(0, 5), steps=(first_step, first_step + 9), neurons=40, kind=kind)
    part = noise(
        seed,
        "exc",
        trials=tuple(trial),
        steps=(first_step + step[0], first_step + step[1]),
        neurons=np.array(neurons, dtype=int),
        kind=kind,
    )
    expected = whole[step[0] : step[1], trial[0] : trial[1]][:, :, np.array(neurons, dtype=int)]
    np.testing.assert_array_equal(part, expected)


def test_contiguous_and_scattered_neurons_agree() -> None:
    ranges = {"trials": (0, 2), "steps": (0, 3)}
    whole = noise(1, "exc", **ranges, neurons=31)
    for neurons in (np.arange(31)[::-1], np.arange(5, 18), range(4, 9), np.array([7, 7, 2, 30], dtype=np.uint8)):
        np.testing.assert_array_equal(noise(1, "exc", **ranges, neurons=neurons), whole[:, :, np.asarray(neurons)])


@given(SEEDS, SEEDS, st.text(max_size=8), st.text(max_size=8))
def test_another_seed_or_path_gives_other_numbers(seed: int, other_seed: int, path: str, other_path: str) -> None:
    equal = (seed, path) == (other_seed, other_path)
    one, two = Stream(seed, path).bits_at(np.arange(4)), Stream(other_seed, other_path).bits_at(np.arange(4))
    assert bool((one == two).all()) is equal


def test_child_is_the_stream_of_the_sub_path() -> None:
    assert Stream(1, "inner").child("exc").child("v") == Stream(1, "inner/exc/v")
    assert Stream(np.uint64(3), "a") == Stream(3, "a")


@pytest.mark.parametrize("seed", [-1, 2**64, 1.0, True, None, "1"])
def test_seeds_that_are_no_seed_are_refused(seed: object) -> None:
    with pytest.raises(CircuitError, match="must be a whole number from 0 to 18446744073709551615"):
        Stream(seed, "exc")
    with pytest.raises(CircuitError, match="seed="):
        noise(seed, "exc", trials=(0, 1), steps=(0, 1), neurons=1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trials": (0, 2**32 + 1)}, "stop of trials=4294967297"),
        ({"trials": (-1, 2)}, "start of trials=-1"),
        ({"steps": (3, 2)}, "stop of steps=2 must be a whole number from 3"),
        ({"steps": 5}, r"steps=5 must be a range \(start, stop\)"),
        ({"neurons": -1}, "neurons=-1"),
        ({"neurons": [0, -3]}, "smallest of neurons=.*-3"),
        ({"neurons": [0, 2**32]}, "largest of neurons=.*4294967296"),
        ({"neurons": [0.5]}, "must be a number or whole indices"),
        ({"neurons": [[1]]}, "must be a number or whole indices"),
        ({"site": -1}, "site=-1"),
        ({"kind": "norml"}, "there is no kind 'norml'. Did you mean 'normal'"),
    ],
)
def test_noise_names_what_it_refuses(changes: dict[str, object], message: str) -> None:
    arguments = {"trials": (0, 1), "steps": (0, 1), "neurons": 1, **changes}
    with pytest.raises(CircuitError, match=message):
        noise(1, "exc", **arguments)


def test_structure_draws_name_what_they_refuse() -> None:
    with pytest.raises(CircuitError, match="n=-1"):
        Stream(1, "exc").uniform(-1)
    with pytest.raises(CircuitError, match=r"offset=0\.5"):
        Stream(1, "exc").normal(1, offset=0.5)
    with pytest.raises(CircuitError, match="high=0 must be a whole number from 1 to 4294967296"):
        Stream(1, "exc").integers(0, 1)


def test_importing_the_generator_does_not_import_scipy() -> None:
    code = "import sys, neurosim.random; sys.exit(any(name.startswith('scipy') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
