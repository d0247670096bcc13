import numpy as np
import pandas
import pytest

from neurosim.errors import RecordError
from neurosim.fitting.held_out import Neurons, Stimuli, Time, Trials, held_out_part, without
from neurosim.recording import Recording, SpikeTrains
from neurosim.recording.support import Support


def session(**kwargs: object) -> Recording:
    times = np.array([0.1, 0.9, 1.5, 0.2, 1.9])
    trains = SpikeTrains(times, [0, 1, 2, 0, 1], 3, [0, 0, 0, 1, 1], 2, duration=2.0)
    return Recording({"exc": trains}, **kwargs)  # type: ignore[arg-type]


def test_the_last_part_of_each_trial() -> None:
    split = Time(0.25).split(session(), ["exc"])
    assert split.fitted.support == Support([0.0, 0.0], [1.5, 1.5], [0, 1], 2)
    assert split.held_out.support == Support([1.5, 1.5], [2.0, 2.0], [0, 1], 2)
    assert split.held_out.of(session()).spikes["exc"].times.tolist() == [1.5, 1.9]


def test_time_is_observed_time() -> None:
    """Gaps do not count: half of (1 s, gap of 7 s, 1 s) ends with the first stretch."""
    trains = SpikeTrains([0.5], [0], 1, support=[(0.0, 1.0), (8.0, 9.0)])
    split = Time(0.25).split(Recording({"exc": trains}), ["exc"])
    assert split.fitted.support == Support([0.0, 8.0], [1.0, 8.5])
    assert split.held_out.support == Support([8.5], [9.0])


def test_whole_trials() -> None:
    split = Trials([1]).split(session(), ["exc"])
    assert split.fitted.trials.tolist() == [0]
    assert split.held_out.trials.tolist() == [1]
    assert Trials(1) == Trials((1,))


def test_stimuli_by_name() -> None:
    table = pandas.DataFrame({"start": [0.0, 0.5, 1.0], "stop": [0.5, 1.0, 1.4], "image": ["a", "b", "a"]})
    split = Stimuli("shown", "image", "b").split(session(intervals={"shown": table}), ["exc"])
    assert split.held_out.support == Support([0.5], [1.0], n_trials=2)
    assert split.fitted.support == Support([0.0, 1.0], [0.5, 1.4], n_trials=2)


def test_stimuli_that_overlap_are_refused() -> None:
    table = pandas.DataFrame({"start": [0.0, 0.4], "stop": [0.5, 1.0], "image": ["a", "b"]})
    with pytest.raises(RecordError, match="overlap"):
        Stimuli("shown", "image", "b").split(session(intervals={"shown": table}), ["exc"])


def test_neurons_by_number() -> None:
    split = Neurons([0]).split(session(), ["exc"])
    assert split.fitted.neurons["exc"].tolist() == [1, 2]
    assert split.held_out.neurons["exc"].tolist() == [0]
    assert split.held_out.of(session()).spikes["exc"].times.tolist() == [0.1, 0.2]


@pytest.mark.parametrize(
    ("held_out", "message"),
    [
        (Trials([0, 1]), "nothing would be fitted"),
        (Trials([]), "nothing would be held out"),
        (Trials([7]), "there is no trial 7"),
        (Stimuli("shown", "image", "b"), "no intervals 'shown'"),
        (Neurons({"inh": [0]}), "no spikes of 'inh'"),
        (Neurons([9]), "population 'exc' of 3"),
    ],
)
def test_what_does_not_fit_is_refused(held_out: Trials, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        held_out.split(session(), ["exc"])


def test_the_forms_in_which_it_is_given() -> None:
    assert held_out_part(None) == Time(0.25)
    assert held_out_part(0.5) == Time(0.5)
    with pytest.raises(RecordError, match="a share of time"):
        held_out_part("half")
    with pytest.raises(RecordError, match="above 0 and below 1"):
        held_out_part(1.0)


def test_a_support_without_another() -> None:
    whole = Support([0.0, 0.0], [10.0, 10.0], [0, 1], 2)
    assert without(whole, Support([2.0, 5.0], [3.0, 12.0], [0, 0], 2)) == Support(
        [0.0, 3.0, 0.0], [2.0, 5.0, 10.0], [0, 0, 1], 2
    )
    assert without(whole, whole) == Support([], [], [], 2)
