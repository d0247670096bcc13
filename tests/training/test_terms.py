"""Terms are added and scaled like numbers, read together, and told apart."""

from __future__ import annotations

import pytest
import torch

from neurosim.training import losses
from neurosim.training.terms import Sum

LABELS = torch.tensor([0, 1])
OUTPUTS = {
    "out": {
        "v": torch.tensor([[[0.1, 0.4], [0.3, 0.2]], [[0.5, 0.1], [0.2, 0.9]]]),
        "spikes": torch.tensor([[[0.0, 1.0], [1.0, 0.0]], [[1.0, 1.0], [0.0, 0.0]]]),
    }
}


def test_a_sum_is_the_sum() -> None:
    first, second = losses.rate("out.spikes"), losses.max_over_time("out.v")
    a, b = first(OUTPUTS, LABELS), second(OUTPUTS, LABELS)
    for total in (first + 0.5 * second, first + second * 0.5, Sum(first, 0.5 * second), sum([first, 0.5 * second])):
        assert isinstance(total, Sum)
        torch.testing.assert_close(total(OUTPUTS, LABELS), a + 0.5 * b)
        assert total.records == {"out": ["spikes", "v"]}
    doubled = 2 * (first + 0.5 * second)
    torch.testing.assert_close(doubled(OUTPUTS, LABELS), 2 * a + b)
    found = doubled.parts(OUTPUTS, LABELS)
    assert list(found) == ["rate", "max_over_time"]
    torch.testing.assert_close(found["max_over_time"], b)


def test_the_one_that_decides_decides() -> None:
    deciding, other = losses.max_over_time("out.v"), losses.custom(lambda v, wanted: v.sum(), "out.v")
    total = deciding + other
    assert torch.equal(total.predict(OUTPUTS), deciding.predict(OUTPUTS))
    assert torch.equal(total.correct(OUTPUTS, LABELS), deciding.correct(OUTPUTS, LABELS))
    assert not hasattr(Sum(other), "predict")
    with pytest.raises(AttributeError, match="2 terms of this sum decide between classes"):
        _ = (deciding + losses.rate("out.spikes")).predict


def test_what_is_no_term_is_refused() -> None:
    with pytest.raises(TypeError, match=r"is no loss or regulariser.*losses.custom"):
        Sum(torch.nn.functional.cross_entropy)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="at least one"):
        Sum()
    with pytest.raises(TypeError):
        losses.rate("out.spikes") + 1.0  # type: ignore[operator]
    with pytest.raises(TypeError):
        losses.rate("out.spikes") * losses.rate("out.spikes")  # type: ignore[operator]
