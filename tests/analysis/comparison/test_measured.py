from __future__ import annotations

import pytest

from neurosim.analysis.comparison import overview
from neurosim.recording import Recording
from reference_data import reference_folder


def test_three_neurons_of_the_postsubiculum() -> None:
    file = reference_folder("mouse_postsubiculum_nwb") / "A8604-211122.nwb"
    found = overview(Recording.from_nwb(file), resamples=20)
    values = {fact.name: fact.estimate.value for fact in found.facts}
    # The means of what each neuron's spike times alone give: its rate, and the variability of its intervals.
    assert values["rate"] == pytest.approx((10.133 + 4.313 + 5.190) / 3, abs=1e-3)
    assert values["cv"] == pytest.approx((1.164 + 2.495 + 1.104) / 3, abs=1e-3)
    assert values["silent neurons"] == 0
