"""The operators against torch's, on both backends; the networks they are in; the experiment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import neurosim as ns
from neurosim.analysis.frequency import spatial_spectrum
from neurosim.circuits.frequency_bias import operators
from neurosim.circuits.frequency_bias.circuit import build
from neurosim.circuits.frequency_bias.experiment import reproduce
from neurosim.circuits.frequency_bias.learning import answers, feature_maps, steps_for, train
from neurosim.circuits.frequency_bias.study import DigitStudy, mean_accuracy, outcome
from neurosim.datasets.digit_images import load_digit_images
from neurosim.datasets.textures import texture_images
from neurosim.errors import CircuitError
from neurosim.random import Stream
from neurosim.units import ms

SHAPE = (2, 5, 6)


def values(shape: tuple[int, ...] = SHAPE, trials: int = 3) -> np.ndarray:
    return Stream(3, "values").normal(trials * int(np.prod(shape))).reshape(trials, *shape)


def after(mixer: str, maps: np.ndarray, backend: str, **options: Any) -> np.ndarray:
    """Return what an operator makes of maps (trial, channel, height, width) that are fed for two steps."""
    circuit = ns.Circuit("operator", dt=1 * ms)
    circuit.population("maps", maps.shape[1:], operators.map_units())
    circuit.inject("fed", "maps", "i")
    shape = operators.mix(circuit, mixer, "maps", "mixed", **options)
    fed = np.repeat(maps.reshape(1, len(maps), -1), 2, axis=0)
    run = ns.simulate(circuit, 2 * ms, backend=backend, inputs={"fed": fed}, trials=len(maps), record={"mixed": "y"})
    return np.asarray(run["mixed"]["y"].values[:, -1].reshape(len(maps), *shape))


@pytest.mark.parametrize(("size", "stride"), [(3, 1), (3, 2), (5, 1)])
def test_pooling_is_that_of_torch(size: int, stride: int) -> None:
    maps = values()
    tensor = torch.from_numpy(maps)
    largest = functional.max_pool2d(tensor, size, stride, padding=size // 2).numpy()
    mean = functional.avg_pool2d(tensor, size, stride, padding=size // 2, count_include_pad=False).numpy()
    np.testing.assert_array_equal(after("maximum", maps, "snntorch", size=size, stride=stride), largest)
    np.testing.assert_allclose(after("average", maps, "snntorch", size=size, stride=stride), mean, atol=1e-15)
    if (size, stride) == (3, 2):
        np.testing.assert_array_equal(after("maximum", maps, "brian2", size=size, stride=stride), largest)


def test_no_mixer_passes_maps_on() -> None:
    np.testing.assert_array_equal(after("none", values(), "snntorch"), values())
    np.testing.assert_array_equal(after("maximum", values(), "snntorch", size=1), values())


def test_depthwise_adds_the_convolution_of_the_spikes() -> None:
    circuit = ns.Circuit("operator", dt=1 * ms, seed=5)
    circuit.population("maps", SHAPE, operators.map_units())
    circuit.inject("fed", "maps", "i")
    operators.depthwise(circuit, "maps", "mixed")
    maps = 2 * values()
    run = ns.simulate(
        circuit, 4 * ms, inputs={"fed": np.repeat(maps.reshape(1, 3, -1), 4, axis=0)}, trials=3,
        record={"mixed": "y", "mixed_cells": "spikes"},
    )  # fmt: skip
    fired = run.spikes["mixed_cells"].to_dense(1e-3, 4)[2].reshape(3, *SHAPE)
    assert 0 < fired.mean() < 1
    kernel = torch.from_numpy(np.asarray(circuit.kernel("mixed_cells_to_mixed")))
    expected = maps + functional.conv2d(torch.from_numpy(fired * 1.0), kernel, padding=1, groups=2).numpy()
    np.testing.assert_allclose(run["mixed"]["y"].values[:, 3].reshape(3, *SHAPE), expected, atol=1e-12)


def test_the_slope_of_a_maximum_belongs_to_the_largest() -> None:
    circuit = ns.Circuit("operator", dt=1 * ms)
    circuit.source("image", ns.SignalSource((1, 4, 4), unit="1"))
    circuit.population("maps", (1, 4, 4), operators.map_units())
    circuit.connect("image", "maps", ns.OneToOne(), synapse=operators.reading("i", "signal"), weight=1.0)
    operators.max_pool(circuit, "maps", "mixed")
    circuit.population("sum", 1, ns.NeuronModel("v : 1\ni : 1", update="v = i"))
    circuit.connect("mixed", "sum", ns.AllToAll(), synapse=operators.reading("i"), weight=1.0)
    module = ns.compile(circuit, backend="snntorch", dtype="float64")
    image = torch.from_numpy(values((1, 4, 4), 2)).requires_grad_()
    outputs, _ = module({"image": image.expand(3, *image.shape)})
    outputs["sum"]["v"][-1].sum().backward()
    reference = image.detach().clone().requires_grad_()
    functional.max_pool2d(reference, 3, 1, padding=1).sum().backward()
    assert image.grad is not None
    assert reference.grad is not None
    np.testing.assert_allclose(image.grad.numpy(), reference.grad.numpy())


def test_pools_pass_the_frequencies_that_they_pass_in_numpy() -> None:
    noise = values((16, 32, 32), 2)
    ratio = {
        mixer: spatial_spectrum(after(mixer, noise, "snntorch")).high_frequency_ratio
        for mixer in ("none", "average", "maximum")
    }
    assert ratio["none"] == pytest.approx(0.812, rel=0.05)
    assert ratio["average"] == pytest.approx(0.224, rel=0.05)
    assert ratio["maximum"] == pytest.approx(0.284, rel=0.05)


@pytest.mark.parametrize("embedding", ["original", "maximum"])
def test_both_backends_see_the_same(embedding: str) -> None:
    circuit = build(mixers="depthwise,average", embedding=embedding, size=6, channels=2, kernel=3, classes=3)
    assert circuit.populations["maps_2"].shape == (4, 3, 3)
    steps = steps_for(circuit)
    image = 2 * values((1, 6, 6), 1)[0].reshape(1, 36).repeat(steps, axis=0)
    report = ns.verify(circuit, steps * ms, inputs={"image": image})
    assert report.identical
    run = ns.simulate(circuit, steps * ms, inputs={"image": image}, record={"classes": "v", "cells_2": "spikes"})
    assert len(run.spikes["cells_2"]) > 0
    assert np.any(run["classes"]["v"].values[0, -1] != 0)


def test_an_image_that_is_shown_is_as_one_that_is_fed() -> None:
    fed, held = (build(size=6, channels=2, kernel=3, shown=shown) for shown in (None, 5))
    image = texture_images(8, size=6, noise=0.0).images[5].reshape(1, 36).repeat(9, axis=0)
    one = ns.simulate(fed, 9 * ms, inputs={"image": image}, record={"cells_1": "spikes", "classes": "v"})
    other = ns.simulate(held, 9 * ms, record={"cells_1": "spikes", "classes": "v"})
    assert len(one.spikes["cells_1"]) > 0
    assert one.spikes["cells_1"] == other.spikes["cells_1"]
    np.testing.assert_array_equal(one["classes"]["v"], other["classes"]["v"])


def test_training_learns_and_maps_have_their_shapes() -> None:
    drawn = texture_images(64, size=8, noise=0.2, seed=1)
    orientation = drawn.labels % 4 // 2
    circuit = build(mixers="none", size=8, channels=4, classes=2)
    learned = train(circuit, drawn.images, orientation, epochs=4, batch=16, learning_rate=0.03)
    before, afterwards = (
        np.mean(answers(one, drawn.images, backend="snntorch") == orientation) for one in (circuit, learned)
    )
    assert afterwards > 0.8
    assert afterwards > before
    maps = feature_maps(learned, drawn.images[:3], backend="snntorch")
    assert {name: one.shape for name, one in maps.items()} == dict.fromkeys(
        ("maps_1", "mixed_1", "cells_1"), (3, 4, 8, 8)
    )
    np.testing.assert_array_equal(maps["maps_1"], maps["mixed_1"])
    assert maps["cells_1"].max() <= steps_for(learned)


def test_what_does_not_exist_is_refused() -> None:
    for wrong in ({"mixers": "maximun"}, {"embedding": "maximun"}):
        with pytest.raises(CircuitError, match="Did you mean 'maximum'"):
            build(**wrong)
    with pytest.raises(CircuitError, match="Did you mean 'place'"):
        build(readout="places")
    circuit = ns.Circuit("operator", dt=1 * ms)
    circuit.population("maps", 4, operators.map_units())
    with pytest.raises(CircuitError, match="channel, height, width"):
        operators.max_pool(circuit, "maps", "mixed")
    with pytest.raises(CircuitError, match="no population 'map'"):
        operators.max_pool(circuit, "map", "mixed")
    circuit.population("grid", SHAPE, operators.map_units())
    with pytest.raises(CircuitError, match="must be odd"):
        operators.average_pool(circuit, "grid", "mixed", size=2)


def test_textures_have_the_frequency_that_they_say() -> None:
    drawn = texture_images(64, size=16, noise=0.0, seed=2)
    for frequency, high in ((0.125, False), (0.375, True)):
        spectrum = spatial_spectrum(drawn.images[drawn.high == high])
        assert spectrum.radius[np.argmax(spectrum.power)] == pytest.approx(frequency, abs=0.07)
    assert np.bincount(drawn.labels).tolist() == [8] * 8
    np.testing.assert_array_equal(drawn.images, texture_images(64, size=16, noise=0.0, seed=2).images)
    noisy = texture_images(64, size=16, noise=0.5, seed=2)
    assert (noisy.images - drawn.images).std() == pytest.approx(0.5, rel=0.02)
    with pytest.raises(CircuitError, match="count"):
        texture_images(0)


def test_the_experiment_agrees_with_the_paper() -> None:
    pytest.importorskip("matplotlib")
    from matplotlib import pyplot

    found = reproduce(quick=True, backend="snntorch", options={})
    assert found.ok, found.summary()
    assert len(found.rows) == 7
    assert {row.what.split(":")[0] for row in found.rows} == {"temporal", "spatial", "trained network"}
    assert found.draw is not None
    figure = found.draw()
    assert [axes.get_ylabel() for axes in figure.axes] == ["part of the power", "told right (%)"]
    pyplot.close(figure)


def test_digits_are_read_from_their_places() -> None:
    pytest.importorskip("sklearn")
    (shown, named), (unseen, labels) = DigitStudy(training=1200, test=500).images(1)
    assert (shown.shape, unseen.shape, len(named)) == ((1200, 8, 8), (500, 8, 8), 1200)
    assert not {tuple(one.ravel()) for one in shown} & {tuple(one.ravel()) for one in unseen}
    assert set(labels.tolist()) == set(range(10))
    circuit = build(mixers="none", readout="place", size=8, channels=2, kernel=3, classes=10)
    assert "tokens" not in circuit.populations
    assert answers(circuit, unseen[:4], backend="snntorch").shape == (4,)
    digits = load_digit_images()
    assert digits.images.mean() == pytest.approx(0, abs=1e-12)
    assert np.ptp(digits.images) == 2
    assert "CC BY" in digits.licence


@pytest.mark.slow
def test_digits_agree_with_the_order_of_the_paper() -> None:
    """Two seeds of four networks: two minutes."""
    pytest.importorskip("sklearn")
    accuracy = {
        mixer: mean_accuracy([outcome(DigitStudy(), mixer, seed=seed, backend="snntorch") for seed in range(2)])
        for mixer in ("none", "average", "maximum", "depthwise")
    }
    assert min(accuracy.values()) > 0.8
    assert accuracy["average"] < accuracy["maximum"]
    assert accuracy["average"] < accuracy["none"]


@pytest.mark.slow
def test_the_whole_experiment_agrees_with_the_paper() -> None:
    found = reproduce(quick=False, backend="snntorch", options={})
    assert found.ok, found.summary()
    assert len(found.measured) == 8
