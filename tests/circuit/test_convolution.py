"""Convolution: edges held against torch's convolution, weights of the kernel, and what is refused."""

from __future__ import annotations

import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

import neurosim.circuit as nc
from neurosim.circuit import sliding
from neurosim.errors import CircuitError, FileFormatError, UnitError
from neurosim.random import Stream
from neurosim.units import ms, mV

CELL = nc.NeuronModel("v : 1", threshold="v > 1", reset="v = 0")
CONVOLVE = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


def connected(rule: nc.Connectivity, pre: Any, post: Any, **options: Any) -> nc.Circuit:
    circuit = nc.Circuit("grids", dt=1 * ms, seed=5)
    circuit.source("a", nc.SpikeSource(pre))
    circuit.population("b", post, CELL)
    given_options = {"receptor": "v", "weight": 1.0, "name": "p", **options}
    circuit.connect("a", "b", rule, **given_options)
    return circuit


# -- edges -----------------------------------------------------------------------------------------------------------


def test_a_kernel_of_two_over_four_places() -> None:
    edges = connected(nc.Convolution(2), (1, 4), (1, 3), weight=[10.0, 20.0]).edges("p")
    assert list(zip(edges.pre.tolist(), edges.post.tolist(), edges.weight.tolist(), strict=True)) == [
        (0, 0, 10.0), (1, 0, 20.0), (1, 1, 10.0), (2, 1, 20.0), (2, 2, 10.0), (3, 2, 20.0),
    ]  # fmt: skip


def test_a_stride_with_padding_and_two_channels() -> None:
    circuit = connected(nc.Convolution(3, stride=2, padding=1), (1, 4), (2, 2), weight=np.arange(6.0))
    edges = circuit.edges("p")
    assert list(zip(edges.pre.tolist(), edges.post.tolist(), edges.element.tolist(), strict=True)) == [
        (0, 0, 1), (0, 2, 4), (1, 0, 2), (1, 1, 0), (1, 2, 5), (1, 3, 3), (2, 1, 1), (2, 3, 4), (3, 1, 2), (3, 3, 5),
    ]  # fmt: skip
    assert edges.weight.tolist() == [1, 4, 2, 0, 5, 3, 1, 4, 2, 5]


@st.composite
def convolutions(draw: Any) -> tuple[dict[str, Any], tuple[int, ...], tuple[int, ...], int]:
    """Draw a rule, the shape of its input, of its kernel, and the number of dimensions."""
    dimensions = draw(st.integers(1, 3))

    def sizes(low: int, high: int) -> Any:
        return draw(st.one_of(st.integers(low, high), st.tuples(*[st.integers(low, high)] * dimensions)))

    kernel, dilation, padding = sizes(1, 3), sizes(1, 2), draw(st.sampled_from(["same", "valid", None]))
    padding = sizes(0, 2) if padding is None else padding
    stride = 1 if padding == "same" else sizes(1, 3)
    groups = draw(st.integers(1, 3))
    channels, others = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    shape = tuple(draw(st.integers(5, 12 if dimensions < 3 else 8)) for _ in range(dimensions))
    rule = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    size = kernel if isinstance(kernel, tuple) else (kernel,) * dimensions
    return rule, (channels, *shape), (others, channels // groups, *size), dimensions


@given(convolutions(), st.integers(0, 2**31))
@settings(max_examples=150, deadline=None)
def test_edges_are_those_of_torch(
    drawn: tuple[dict[str, Any], tuple[int, ...], tuple[int, ...], int], seed: int
) -> None:
    rule, shape, kernel_shape, dimensions = drawn
    rng = np.random.default_rng(seed)
    # Whole numbers: sums are exact in any order.
    x = torch.tensor(rng.integers(-9, 10, shape), dtype=torch.float64)
    kernel = torch.tensor(rng.integers(1, 10, kernel_shape), dtype=torch.float64)
    options = {key: value for key, value in rule.items() if key != "kernel_size"}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Using padding='same' with even kernel")
        expected = CONVOLVE[dimensions](x[None], kernel, **options)[0]
    circuit = connected(nc.Convolution(**rule), shape, tuple(expected.shape), weight=kernel.numpy())
    edges = circuit.edges("p")
    found = np.zeros(expected.numel())
    np.add.at(found, edges.post, edges.weight * x.numpy().reshape(-1)[edges.pre])
    np.testing.assert_array_equal(found.reshape(expected.shape), expected.numpy())
    cells = edges.pre * np.int64(expected.numel()) + edges.post
    assert np.all(np.diff(cells) > 0)  # sorted by pre, then post; no edge twice
    np.testing.assert_array_equal(edges.weight, kernel.numpy().reshape(-1)[edges.element])
    assert f"{edges.pre.size:,} edge" in str(circuit.replace({"p.weight": 2.0}))  # counted without being made


def test_edges_do_not_depend_on_how_many_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = nc.Convolution((3, 2, 1), stride=(2, 1, 1), padding=(2, 0, 1), groups=2)
    circuit = connected(rule, (4, 7, 5, 3), (6, 5, 4, 5), weight=np.arange(72.0))
    expected = [column.copy() for column in circuit.edges("p")]
    monkeypatch.setattr(sliding, "_AT_ONCE", 50)
    for one, other in zip(circuit.replace({"p.weight": np.arange(72.0)}).edges("p"), expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_average_pool_is_a_depthwise_convolution() -> None:
    edges = connected(nc.Convolution(2, stride=2, groups=3), (3, 4, 6), (3, 2, 3), weight=0.25).edges("p")
    x = np.random.default_rng(0).integers(0, 8, (3, 4, 6)).astype(float)
    found = np.zeros(18)
    np.add.at(found, edges.post, edges.weight * x.reshape(-1)[edges.pre])
    expected = functional.avg_pool2d(torch.tensor(x)[None], 2)[0].numpy()
    np.testing.assert_array_equal(found.reshape(3, 2, 3), expected)
    assert edges.element is None  # one weight for all needs no index


def test_no_more_memory_than_other_edges() -> None:
    circuit = connected(nc.Convolution(5, padding="same"), (1, 150, 150), (2, 150, 150), weight=nc.Normal(0, 1))
    connected(nc.Convolution(3), (1, 4, 4), (1, 2, 2), weight=nc.Normal(0, 1)).edges("p")  # imports what it needs
    tracemalloc.start()
    edges = circuit.edges("p")
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert edges.pre.size > 1_000_000
    assert kept / edges.pre.size < 13  # two indices and the element of the kernel
    assert peak / edges.pre.size < 30


# -- weights ---------------------------------------------------------------------------------------------------------


def test_the_kernel_flat_or_in_its_shape() -> None:
    kernel = np.arange(24.0).reshape(4, 2, 3)
    flat, shaped = (connected(nc.Convolution(3), (2, 6), (4, 4), weight=w) for w in (kernel.reshape(-1), kernel))
    assert flat == shaped
    assert flat.digest() == shaped.digest()
    np.testing.assert_array_equal(flat.kernel("p"), kernel)
    np.testing.assert_array_equal(shaped.projections["p"].weight, kernel)
    assert connected(nc.Convolution(3), (2, 6), (4, 4), weight=kernel + 1).digest() != flat.digest()


@pytest.mark.parametrize("mark", [lambda value: value, nc.Trainable])
def test_a_distribution_is_drawn_once_for_each_element(mark: Any) -> None:
    circuit = connected(nc.Convolution((3, 2)), (2, 8, 8), (3, 6, 7), weight=mark(nc.Normal(0, 1)))
    expected = nc.Normal(0, 1).draw(36, Stream(5, "p/weight")).reshape(3, 2, 3, 2)
    np.testing.assert_array_equal(circuit.kernel("p"), expected)
    edges = circuit.edges("p")
    assert set(edges.weight) == set(expected.reshape(-1))
    np.testing.assert_array_equal(edges.weight, expected.reshape(-1)[edges.element])


def test_one_number_for_all() -> None:
    circuit = connected(nc.Convolution(3), (2, 6), (4, 4), weight=0.5)
    assert set(circuit.edges("p").weight) == {0.5}
    np.testing.assert_array_equal(circuit.kernel("p"), np.full((4, 2, 3), 0.5))
    drawn = connected(nc.Convolution(3), (2, 6), (4, 4), weight=nc.Trainable(nc.Normal(0, 1), per="all"))
    assert len(set(drawn.edges("p").weight)) == 1


def test_the_kernel_on_a_dyadic_grid() -> None:
    circuit = connected(nc.Convolution(3), (2, 6), (4, 4), weight=nc.Normal(0, 1), dyadic=True)
    kernel = circuit.kernel("p")
    spacing = 2.0 ** np.ceil(np.log2(np.abs(kernel).max())) / 1024
    np.testing.assert_array_equal(kernel / spacing, np.round(kernel / spacing))
    assert set(circuit.edges("p").weight) == set(kernel.reshape(-1))


def test_weights_with_units_and_delays_by_edge() -> None:
    model = nc.NeuronModel("v : volt", threshold="v > 1*volt", reset="v = 0*volt")
    circuit = nc.Circuit("units", dt=0.1 * ms, seed=1)
    circuit.source("a", nc.SpikeSource((1, 5)))
    circuit.population("b", (2, 5), model)
    delay = nc.Uniform(0 * ms, 2 * ms)
    circuit.connect("a", "b", nc.Convolution(3, padding="same"), receptor="v", weight=[1, 2, 3, 4, 5, 6] * mV,
                    delay=delay)  # fmt: skip
    edges = circuit.edges("a_to_b")
    assert set(np.round(edges.weight * 1e3)) == {1, 2, 3, 4, 5, 6}
    assert len(set(edges.delay)) > 5
    with pytest.raises(UnitError, match="volt"):
        circuit.connect("a", "b", nc.Convolution(3, padding="same"), receptor="v", weight=1.0, name="q")


def test_a_circuit_with_a_kernel_is_kept_and_replaced(tmp_path: Path) -> None:
    rule = nc.Convolution((3, 2), channels=3, stride=(1, 2), padding=(1, 0), dilation=1, groups=1)
    mark = nc.Trainable(nc.Normal(0, 1), bounds=(-2, 2))
    for weight in (mark, np.arange(36.0), nc.Trainable(np.arange(36.0).reshape(3, 2, 3, 2)), 0.5):
        circuit = connected(rule, (2, 6, 6), (3, 6, 3), weight=weight)
        loaded = nc.Circuit.load(circuit.save(tmp_path / "c.json", overwrite=True))
        assert loaded == circuit
        assert loaded.digest() == circuit.digest()
        assert loaded.projections["p"].connectivity == rule
        for one, other in zip(loaded.edges("p"), circuit.edges("p"), strict=True):
            np.testing.assert_array_equal(one, other)
        changed = circuit.replace({"p.weight": np.full(36, 7.0)})
        assert set(changed.edges("p").weight) == {7.0}
        assert isinstance(changed.projections["p"].weight, nc.Trainable) == isinstance(weight, nc.Trainable)
        np.testing.assert_array_equal(circuit.replace({"seed": 8}).edges("p").pre, circuit.edges("p").pre)
    same = [nc.Convolution(3), nc.Convolution(3, padding=0), nc.Convolution(3, stride=1)]
    assert len({str(one.to_dict()) for one in same}) == 1
    assert nc.Convolution(3) != nc.Convolution(3, padding=1)
    with pytest.raises(FileFormatError, match="stride='two'"):
        nc.Connectivity.from_dict({**rule.to_dict(), "stride": "two"})


def test_included_circuits_keep_their_kernels() -> None:
    outer = nc.Circuit("outer", dt=1 * ms)
    outer.include("left", connected(nc.Convolution(3), (2, 6), (4, 4), weight=np.arange(24.0)))
    edges = outer.edges("left/p")
    np.testing.assert_array_equal(edges.weight, np.arange(24.0)[edges.element])


def test_a_population_to_itself() -> None:
    circuit = nc.Circuit("lateral", dt=1 * ms)
    circuit.population("b", (2, 5), CELL)
    circuit.connect("b", "b", nc.Convolution(3, padding=1), receptor="v", weight=np.arange(12.0))
    edges = circuit.edges("b_to_b")
    assert edges.pre.size == 4 * (3 + 2 + 2 + 3 + 3)
    assert np.any(edges.pre == edges.post)


def test_how_it_is_shown() -> None:
    assert repr(nc.Convolution(3)) == "Convolution(3)"
    shown = repr(nc.Convolution((3, 5), channels=4, stride=2, padding=(1, 2), dilation=2, groups=2))
    assert shown == "Convolution((3, 5), channels=4, stride=2, padding=(1, 2), dilation=2, groups=2)"
    text = str(connected(nc.Convolution(3, stride=2), (1, 28, 28), (16, 13, 13), weight=nc.Normal(0, 1)))
    assert "p: a -> b, Convolution(3, stride=2), 24,336 edges" in text


# -- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel_size": 0}, "kernel_size=0 must be a whole number, 1 or more"),
        ({"kernel_size": 2.5}, r"kernel_size=2\.5 must be a whole number"),
        ({"kernel_size": True}, "kernel_size=True must be"),
        ({"kernel_size": (3, 3, 3, 3)}, "must be for 1 to 3 dimensions"),
        ({"kernel_size": ()}, "must be for 1 to 3 dimensions"),
        ({"stride": 0}, "stride=0 must be"),
        ({"padding": -1}, "padding=-1 must be a whole number, 0 or more"),
        ({"padding": "full"}, "padding='full' must be 'same', 'valid' or whole numbers"),
        ({"padding": "same", "stride": 2}, "the stride must be 1"),
        ({"dilation": (1, 0)}, "dilation=0 must be"),
        ({"groups": 0}, "groups=0 must be"),
        ({"channels": 0}, "channels=0 must be"),
        ({"kernel_size": (3, 3), "stride": (1, 1, 1)}, "are for different dimensions"),
    ],
)
def test_rules_that_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(CircuitError, match=message):
        nc.Convolution(**{"kernel_size": 3, **options})


@pytest.mark.parametrize(
    ("rule", "pre", "post", "message"),
    [
        (nc.Convolution(3), (1, 28, 28), (16, 28, 28),
         r"projection 'p': Convolution\(3\) from \(1, 28, 28\) gives \(channels, 26, 26\), but the postsynaptic side "
         r"has \(16, 28, 28\)"),
        (nc.Convolution(3, channels=8), (1, 28, 28), (16, 26, 26), r"gives \(8, 26, 26\), but .* has \(16, 26, 26\)"),
        (nc.Convolution(3), 28, 26, r"needs shapes \(channel, length\) or .* presynaptic side has \(28,\), the other"),
        (nc.Convolution((3, 3)), (28, 28), (26, 26), r"needs shapes \(channel, height, width\); the pre.* \(28, 28\)"),
        (nc.Convolution(3, stride=(1, 1, 1)), (1, 9, 9), (1, 7, 7), r"needs shapes \(channel, depth, height, width\)"),
        (nc.Convolution(3), (1, 28, 28), (1, 676), r"gives \(channels, 26, 26\), but the post.* has \(1, 676\)"),
        (nc.Convolution(3), (1, 2, 2, 2, 2), (1, 2), "needs shapes"),
        (nc.Convolution(9, dilation=2), (1, 9), (1, 1), r"the kernel is larger than its input: .* \(1, 9\)"),
        (nc.Convolution(3, groups=2), (3, 8), (4, 6), r"\(3, 8\) and \(4, 6\) cannot be cut into 2 equal groups"),
        (nc.Convolution(3, groups=2), (4, 8), (3, 6), "cannot be cut into 2 equal groups"),
        (nc.Grouped(2, nc.Convolution(3)), (2, 8), (2, 6), "or a group of neurons, has none"),
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit(rule: nc.Connectivity, pre: Any, post: Any, message: str) -> None:
    with pytest.raises(CircuitError, match=message):
        connected(rule, pre, post)


def test_views_have_no_shape() -> None:
    circuit = connected(nc.Convolution(3), (2, 8), (2, 6))
    a, b = circuit.populations["a"], circuit.populations["b"]
    for pre, post in ((a[:1], b), (a, b[0])):
        with pytest.raises(CircuitError, match=r"projection 'q': Convolution\(3\) connects whole populations"):
            circuit.connect(pre, post, nc.Convolution(3), receptor="v", weight=1.0, name="q")
    circuit.connect(a[:], b[:], nc.Convolution(3), receptor="v", weight=1.0, name="q")  # all of it is no part


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(9), r"weight has shape \(9,\); the kernel has shape \(4, 2, 3\) .* or its 24 values"),
        (np.ones((4, 2)), r"weight has shape \(4, 2\); the kernel has shape"),
        (np.ones((2, 4, 3)), r"weight has shape \(2, 4, 3\)"),
        (nc.Trainable(np.ones(96)), r"weight has shape \(96,\)"),
        (nc.Trainable(1.0, per="edge"), "per='edge' has no meaning for a kernel; leave it out"),
        (nc.Trainable(1.0, per="pre"), "per='pre' has no meaning for a kernel"),
        (nc.Trainable(np.arange(24.0), per="all"), "per='all' shares one value, but the initial values differ"),
        (nc.Trainable(), "the trainable weight needs an initial value"),
    ],
)
def test_weights_that_are_no_kernel(weight: Any, message: str) -> None:
    with pytest.raises(CircuitError, match=message):
        connected(nc.Convolution(3), (2, 6), (4, 4), weight=weight)


def test_matrices_are_no_kernels() -> None:
    with pytest.raises(UnitError, match="weight must be a number, an array or a quantity, got Matrix"):
        connected(nc.Convolution(3), (2, 6), (4, 4), weight=nc.Matrix(np.ones((12, 16)), dims=("pre", "post")))


def test_other_rules_have_no_kernel() -> None:
    with pytest.raises(
        CircuitError, match=r"projection 'p' has no kernel: the edges of AllToAll\(.*\) share no weights"
    ):
        connected(nc.AllToAll(), (2, 6), (4, 4)).kernel("p")


def test_a_rule_without_populations_gives_no_edges() -> None:
    with pytest.raises(CircuitError, match="connects whole populations"):
        nc.Convolution(3).realise(10, 10, False, Stream(1, "p"))
    with pytest.raises(CircuitError, match=r"is for shapes \(1, 4\) and \(1, 2\), got 5 and 2"):
        nc.Convolution(3).shaped((1, 4), (1, 2)).realise(5, 2, False, Stream(1, "p"))
