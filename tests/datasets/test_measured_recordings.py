"""The real recordings, where a developer has them: what is known of them comes out of the loaders.

Values were computed once from the files with numpy and scipy; those of rates and intervals of the mouse and of the
receptor are also in the papers and packages that published them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from neurosim.datasets import recordings
from neurosim.recording import Recording, SpikeTrains
from reference_data import reference_folder

Array = NDArray[np.float64]


def loaded(name: str, folder: str, **options: Any) -> Recording:
    read = recordings.load(name, folder=reference_folder(folder), **options)
    assert read.metadata["licence"] == recordings.describe(name).licence
    assert read.metadata["citation"] == recordings.describe(name).citation
    assert read.metadata["synthetic"] is False
    return read


def intervals(trains: SpikeTrains, neuron: int = 0) -> Array:
    return np.diff(trains.times[trains.neurons == neuron])


def variation(gaps: Array) -> float:
    return float(gaps.std() / gaps.mean())


def participation_ratio(samples: Array) -> float:
    values = np.linalg.eigvalsh(np.cov(samples.T))
    return float(values.sum() ** 2 / (values**2).sum())


def mean_correlation(samples: Array) -> float:
    matrix = np.corrcoef(samples.T)
    return float(matrix[np.triu_indices_from(matrix, 1)].mean())


def zscored(samples: Array) -> Array:
    return (samples - samples.mean(axis=0)) / samples.std(axis=0)


def test_mouse_postsubiculum() -> None:
    read = loaded("mouse-postsubiculum", "mouse_postsubiculum_nwb")
    trains = read.spikes["group0_psb"]
    assert trains.counts().values.tolist() == [[11020, 4690, 5644]]
    assert trains.duration == pytest.approx(1087.5289)
    assert trains.rates().values[0] == pytest.approx([10.133, 4.313, 5.190], abs=5e-4)
    assert [variation(intervals(trains, unit)) for unit in range(3)] == pytest.approx([1.164, 2.495, 1.104], abs=5e-4)


@pytest.mark.parametrize(
    ("recording", "spikes", "cv", "cv2", "peak", "lag", "cut_off"),
    [(1, 929, 0.533, 0.495, 1.008, 6.0e-3, "200"), (2, 868, 0.450, 0.434, 0.982, 6.95e-3, "800")],
)
def test_grasshopper(recording: int, spikes: int, cv: float, cv2: float, peak: float, lag: float, cut_off: str) -> None:
    read = loaded("grasshopper-receptor", "grasshopper_auditory", recording=recording)
    trains = read.spikes["receptor"]
    assert (len(trains), trains.duration) == (spikes, 10.0)
    gaps = intervals(trains)
    assert variation(gaps) == pytest.approx(cv, abs=5e-4)
    assert np.mean(2 * np.abs(np.diff(gaps)) / (gaps[1:] + gaps[:-1])) == pytest.approx(cv2, abs=5e-4)
    sound = zscored(read["sound"]["amplitude"].values[0, :, 0])
    places = np.floor(trains.times / 50e-6 + 1e-6).astype(int)
    lags = np.arange(200)  # 10 ms
    average = sound[places[places >= lags.size, np.newaxis] - lags].mean(axis=0)
    assert average.max() == pytest.approx(peak, abs=5e-4)
    assert average.argmax() * 50e-6 == pytest.approx(lag, abs=51e-6)  # a sample
    assert read.metadata["stimulus"]["cut-off frequency (Hz)"] == cut_off


def test_macaque_m1() -> None:
    read = loaded("macaque-m1-reaching", "macaque_m1_reaching")
    rates = read.rates()["m1"].values[0]
    assert (rates.mean(), np.median(rates)) == pytest.approx((17.713, 10.283), abs=5e-4)
    counts = read["m1"]["count"].values[0].astype(np.float64)
    assert (counts.shape, counts.max()) == ((15536, 171), 26)
    seconds = counts[: 776 * 20].reshape(776, 20, 171).sum(axis=1)
    assert (seconds.var(axis=0) / seconds.mean(axis=0)).mean() == pytest.approx(2.436, abs=2e-3)
    assert (mean_correlation(counts), mean_correlation(seconds)) == pytest.approx((0.0210, 0.0512), abs=5e-5)
    assert (counts == 0).mean() == pytest.approx(0.5711, abs=5e-5)
    assert participation_ratio(counts) == pytest.approx(55.74, abs=5e-3)
    assert participation_ratio(zscored(counts)) == pytest.approx(122.10, abs=5e-3)
    assert participation_ratio(np.sqrt(counts)) == pytest.approx(93.72, abs=5e-3)
    position = read["hand"]["position"]
    assert (position.sizes["neuron"], position.attrs["units"]) == (3, "metre")


def test_macaque_s1() -> None:
    read = loaded("macaque-s1-reaching", "macaque_s1_reaching")
    counts = read["s1"]["count"].values[0].astype(np.float64)
    assert (counts.shape, counts.max()) == ((35129, 52), 15)
    assert counts.mean() == pytest.approx(0.46144, abs=5e-6)
    assert participation_ratio(counts) == pytest.approx(23.38, abs=5e-3)
    assert participation_ratio(zscored(counts)) == pytest.approx(45.61, abs=5e-3)
    assert mean_correlation(counts) == pytest.approx(0.0119, abs=5e-5)
    assert read.spikes["s1"].counts().values.min() == 220


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "folder", "population", "expected"),
    [
        ("macaque-m1-reaching", "macaque_m1_reaching", "m1", (0.836, 0.719)),
        ("macaque-s1-reaching", "macaque_s1_reaching", "s1", (0.711, 0.699)),
    ],
)
def test_the_hand_is_decoded(name: str, folder: str, population: str, expected: tuple[float, float]) -> None:
    """Ridge regression from 10 causal lags; trained on the first 80 %, tested on the rest."""
    read = loaded(name, folder)
    counts = read[population]["count"].values[0].astype(np.float64)
    velocity = read["hand"]["velocity"].values[0, 9:, :2]
    lagged = np.concatenate([counts[9 - lag : len(counts) - lag] for lag in range(10)], axis=1)
    split = int(0.8 * len(lagged))
    mean, deviation = lagged[:split].mean(axis=0), lagged[:split].std(axis=0)
    lagged = (lagged - mean) / np.where(deviation > 0, deviation, 1)
    train, test = lagged[:split], lagged[split:]
    centre = velocity[:split].mean(axis=0)
    gram = train.T @ train + 1000 * np.eye(train.shape[1])
    weights = np.linalg.solve(gram, train.T @ (velocity[:split] - centre))
    error = ((velocity[split:] - centre - test @ weights) ** 2).sum(axis=0)
    total = ((velocity[split:] - velocity[split:].mean(axis=0)) ** 2).sum(axis=0)
    assert 1 - error / total == pytest.approx(expected, abs=2e-3)


def test_cortex_patch() -> None:
    read = loaded("cortex-patch", "cortex_patch_idrest")
    steps = read.intervals["step"]
    assert (steps["current"] * 1e12).tolist() == pytest.approx([106.2, 162.5, 225.0, 284.4, 340.6], abs=0.06)
    assert (steps["holding"] * 1e12).tolist() == pytest.approx([-12.5] * 5, abs=0.01)
    trains = read.spikes["cell"]
    assert trains.counts().values[:, 0].tolist() == [26, 50, 68, 82, 89]
    for trial, ratio in enumerate([1.02, 1.34, 1.73, 1.79, 1.93]):
        gaps = intervals(trains.of_trial(trial))
        assert gaps[-1] / gaps[0] == pytest.approx(ratio, abs=5e-3)
    before = read["cell"]["v"].sel(time=slice(0, 0.69)).mean(dim=("time", "neuron")).values
    assert ((before > -0.0722 - 5e-5) & (before < -0.0690 + 5e-5)).all()


def test_mouse_calcium() -> None:
    read = loaded("mouse-calcium", "mouse_2p_suite2p")
    assert read["roi"]["fluorescence"].shape == read["roi"]["deconvolved"].shape == (1, 2000, 219)
    cells = read.select(units=read.units["accepted"])["roi"]["fluorescence"].values[0].astype(np.float64)
    assert cells.shape[1] == 20
    assert mean_correlation(cells) == pytest.approx(0.512, abs=5e-4)
    assert participation_ratio(cells) == pytest.approx(2.53, abs=5e-3)


@pytest.mark.parametrize(
    ("rate", "spikes", "per_trial", "deviation", "active", "in_a_trial", "motor"),
    [(200, 511566, 17052.2, 215, 448, 402.6, 93.27), (100, 289073, 9635.8, 413, 404, 354.3, 67.03)],
)
def test_fly_sugar_response(
    rate: int, spikes: int, per_trial: float, deviation: float, active: int, in_a_trial: float, motor: float
) -> None:
    read = loaded("fly-sugar-response", "fly_lif_reference_output", rate=rate)
    trains = read.spikes["active"]
    counts = trains.counts().values
    assert (len(trains), trains.n, trains.n_trials) == (spikes, active, 30)
    assert counts.sum(axis=1).mean() == pytest.approx(per_trial, abs=0.05)
    assert counts.sum(axis=1).std(ddof=1) == pytest.approx(deviation, abs=0.6)
    assert (counts > 0).sum(axis=1).mean() == pytest.approx(in_a_trial, abs=0.05)
    mn9 = read.units["id"].tolist().index("720575940660219265")
    assert trains.rates().values[:, mn9].mean() == pytest.approx(motor, abs=5e-3)
