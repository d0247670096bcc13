from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import BackendError, CircuitError, RecordError, UnitError
from neurosim.recording import SpikeTrains
from neurosim.units import ms, mV, pA
from neurosim.verification import VerifyReport, verify, verify_pair, verifying
from verification.networks import changed_projection, graded, one_delay_longer, reservoir, with_program


@pytest.fixture(scope="module")
def report() -> VerifyReport:
    return ns.verify(reservoir(40), 30 * ms)


def relay() -> ns.Circuit:
    """Build a circuit whose every input is given: spikes into a leaky neuron, with refractoriness and delays."""
    circuit = ns.Circuit("relay", dt=0.1 * ms)
    circuit.source("spikes_in", ns.SpikeSource(4))
    cell = ns.models.lif(
        tau_mem=10 * ms, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-60 * mV, tau_ref=1 * ms,
        receptors={"exc": 5 * ms},
    )  # fmt: skip
    cells = circuit.population("cells", 3, cell)
    circuit.connect("spikes_in", cells, ns.AllToAll(), receptor="exc", weight=30 * mV, delay=ns.Uniform(0 * ms, 2 * ms))
    circuit.inject("current", cells, "i_ext")
    return circuit


# -- agreement -------------------------------------------------------------------------------------------------------


def test_both_paths_are_compared_by_default(report: VerifyReport) -> None:
    assert report.identical
    assert list(report.spikes) == ["brian2", "snntorch", "snntorch:eager"]
    assert len(set(report.spikes.values())) == 1
    assert report.spikes["brian2"] > 10
    assert report.first_divergence is None
    assert [comparison.tolerance for comparison in report.comparisons] == [0.0, 1e-9]
    assert report["snntorch"].final_state_max_abs_diff == 0.0
    assert report.final_state_max_rel_diff <= 1e-9


def test_final_states_are_compared_whole(report: VerifyReport) -> None:
    addresses = {item.address for item in report["snntorch"].state}
    assert addresses == {"cells.v", "cells.u", "cells.synaptic", "cells.synaptic_rise", "cells.spikes"}


def test_summary_is_what_the_command_line_prints(report: VerifyReport) -> None:
    assert report.summary() == {
        "circuit": "reservoir",
        "identical": True,
        "first_divergence": None,
        "spikes": dict(report.spikes),
        "final_state_max_abs_diff": report.final_state_max_abs_diff,
        "final_state_max_rel_diff": report.final_state_max_rel_diff,
        "tolerance": 1e-9,
        "dt": pytest.approx(1e-4),
        "duration": pytest.approx(0.03),
        "dtype": "float64",
    }


def test_traces_are_compared_where_nothing_spikes() -> None:
    report = verify(graded(), 20 * ms)
    assert report.identical
    assert report.spikes == dict.fromkeys(report.spikes, 0)
    compared = {item.address for item in report["snntorch"].traces}
    assert compared == {"ring.v", "ring.drive", "ring.pull", "ring.i_ext", "ring.rate"}
    assert all(item.absolute == 0 for item in report["snntorch"].traces)


def test_inputs_of_every_kind_reach_both_sides_and_every_part_of_a_run() -> None:
    circuit = relay()
    generator = np.random.default_rng(0)
    dense = generator.random((300, 4)) < 0.02
    trains = SpikeTrains.from_dense(dense[:, None], 1e-4)
    current = generator.normal(0, 1e-3, (300, 3))
    for inputs in (
        {"spikes_in": trains, "current": ns.Step(3 * mV, start=5 * ms)},
        {"spikes_in": dense, "current": current * 1000 * mV},
    ):
        assert verify(circuit, 30 * ms, inputs=inputs, backends=("brian2", "snntorch")).identical
        changed = with_program(circuit, lambda program: one_delay_longer(program, 0))
        report = verify_pair(ns.compile(circuit, "brian2"), changed, 30 * ms, inputs=inputs)
        cause = report["other"].state_divergence or report.first_divergence
        assert cause is not None
        delay = round(float(circuit.edges("spikes_in_to_cells").delay[0]) / 1e-4)
        assert cause.step == np.flatnonzero(dense[:, 0])[0] + delay, "found with the inputs that belong to each part"


def test_a_run_may_go_on_from_a_state_and_have_trials() -> None:
    circuit = relay()
    inputs = {"spikes_in": np.random.default_rng(1).random((200, 2, 4)) < 0.03}
    first = ns.simulate(circuit, 20 * ms, inputs=inputs, trials=2)
    report = verify(circuit, 20 * ms, inputs=inputs, trials=2, state=first.state)
    assert report.identical, report.text()
    assert (report.start_step, report.trials) == (200, 2)
    assert report.spikes["brian2"] > 0
    assert "2 trials" in report.text()
    assert "from 20 ms" in report.text()


def test_another_step_than_the_circuits() -> None:
    report = verify(graded(), 10 * ms, dt=0.25 * ms, backends=("brian2", "snntorch"))
    assert (report.dt, report.n_steps) == (pytest.approx(0.25e-3), 40)


def test_progress_is_told_by_backend() -> None:
    told: dict[str, tuple[int, int]] = {}
    verify(graded(), 5 * ms, progress=lambda name, done, total: told.__setitem__(name, (done, total)))
    assert told == dict.fromkeys(("brian2", "snntorch", "snntorch:eager"), (10, 10))


# -- disagreement ----------------------------------------------------------------------------------------------------


def test_single_precision_is_not_identical() -> None:
    report = verify(reservoir(40), 10 * ms, backends=("brian2", "snntorch"), dtype="float32")
    assert not report.identical
    assert report.dtype == "float32"
    assert report.tolerance == 1e-9
    assert report.first_divergence is not None
    loose = verify(reservoir(40), 10 * ms, backends=("brian2", "snntorch"), dtype="float32", tolerance=1e-3)
    assert loose.identical
    assert 0 < loose.final_state_max_rel_diff < 1e-3


def test_first_value_of_a_trace_that_differs() -> None:
    circuit = graded()

    def change(program: Any) -> Any:
        from dataclasses import replace

        chemical, gap = program.graded
        return replace(program, graded=(chemical, replace(gap, values={"w": 0.7000001})))

    report = verify_pair(ns.compile(circuit, "brian2"), with_program(circuit, change), 20 * ms)
    first = report.first_divergence
    assert first is not None
    assert (first.step, first.population, first.variable) == (0, "ring", "pull")
    assert first.values[1] == pytest.approx(first.values[0] * 0.7000001 / 0.7)
    assert "largest differences of traces" in report.text()
    assert verify_pair(ns.compile(circuit, "brian2"), with_program(circuit, change), 20 * ms, tolerance=1e-5).identical


def test_statistics_count_from_the_divergence_on() -> None:
    circuit = relay()
    fired = np.zeros((300, 4), dtype=bool)
    fired[::40] = True

    def change(program: Any) -> Any:
        (projection,) = program.pulses
        heavier = np.asarray(projection.values["w"]) * np.where(np.arange(projection.n) == 0, 1.0, 1.5)
        return changed_projection(program, values={**projection.values, "w": heavier})

    report = verify_pair(
        ns.compile(circuit, "brian2"), with_program(circuit, change), 30 * ms, inputs={"spikes_in": fired}
    )
    first = report.first_divergence
    assert first is not None
    assert first.variable == "spikes"
    ours, theirs = (report.recordings[name].spikes["cells"] for name in ("reference", "other"))
    (item,) = report["other"].spikes
    assert item.counts == (len(ours), len(theirs))
    events = [set(zip(side.to_steps(1e-4), side.neurons, strict=True)) for side in (ours, theirs)]
    assert item.common == len(events[0] & events[1])
    parted = sorted(events[0] ^ events[1])[0]
    assert (first.step, first.neuron) == parted
    assert first.values == (float(parted in events[0]), float(parted in events[1]))
    beyond = tuple(sum(step >= first.step for step, _ in side) for side in events)
    assert item.counts_beyond == beyond
    observed = (300 - first.step) * 1e-4 * 3
    assert item.rates_beyond == pytest.approx([count / observed for count in beyond])
    assert item.relative_difference == pytest.approx((beyond[1] - beyond[0]) / beyond[0])
    assert f"{beyond[0]} | {beyond[1]}" in report.text()


@pytest.mark.cython
@pytest.mark.slow
def test_targets_of_brian2_against_each_other() -> None:
    sides = ("brian2:numpy", "brian2:cython", "brian2:cpp_standalone", "snntorch")
    report = verify(reservoir(40), 30 * ms, backends=sides)
    assert report.identical, report.text()
    assert report["brian2:cython"].tolerance == report["brian2:cpp_standalone"].tolerance == 1e-9
    assert report["snntorch"].tolerance == 0


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.fixture
def never_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        pytest.fail("something was run before the arguments were refused")

    monkeypatch.setattr("neurosim.verification.case.Case.run", refuse)


@pytest.mark.usefixtures("never_run")
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"backends": ("brian2", "snntroch")}, BackendError, "'snntroch'. Did you mean 'snntorch'?"),
        ({"backends": ("brian2",)}, BackendError, "two or more different backends, got 'brian2'"),
        ({"backends": "brian2"}, BackendError, "two or more different backends"),
        ({"backends": ("snntorch", "snntorch")}, BackendError, "two or more different backends"),
        ({"target": "c++"}, BackendError, "target 'c++' is unknown"),
        ({"dtype": "float16"}, BackendError, "'float16' cannot hold"),
        ({"tolerance": -1.0}, CircuitError, "tolerance must be a number of at least 0, got -1.0"),
        ({"tolerance": float("nan")}, CircuitError, "tolerance must be"),
        ({"inputs": {"pusch": 1.0}}, CircuitError, "Did you mean 'push'?"),
        ({"inputs": {"push": np.zeros((3, 1))}}, CircuitError, "has 3 rows, the run has 20 steps"),
        ({"duration": 0.01}, UnitError, "duration needs a unit"),
        ({"duration": 0.7 * ms}, CircuitError, "multiple of dt"),
        ({"trials": 0}, CircuitError, "trials must be a positive integer"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    given = {"duration": 10 * ms, **arguments}
    with pytest.raises(error) as raised:
        verify(graded(), given.pop("duration"), **given)
    assert message in str(raised.value)


@pytest.mark.usefixtures("never_run")
def test_traces_that_do_not_fit_into_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "available_bytes", lambda: 10_000)
    with pytest.raises(RecordError, match=r"would take 38\.4 kB, more than 8 kB .80% of the memory"):
        verify(graded(), 20 * ms)


def test_different_circuits_cannot_be_compared() -> None:
    small, large = (ns.compile(graded(n), backend="brian2") for n in (4, 5))
    with pytest.raises(CircuitError, match=r"do not run the same populations: \{'ring': 4\} and \{'ring': 5\}"):
        verify_pair(small, large, 10 * ms)
    slow = ns.compile(graded(4), backend="brian2", dt=1 * ms)
    with pytest.raises(CircuitError, match=r"differ in dt: 0\.0005 s and 0\.001 s"):
        verify_pair(small, slow, 10 * ms)
    with pytest.raises(CircuitError, match="names= must be two different names"):
        verify_pair(small, small, 10 * ms, names=("a", "a"))


def test_units_of_what_is_found() -> None:
    circuit = reservoir(40)
    other = circuit.replace({"recurrent.delay": 0.1 * ms, "cells.d": 201 * pA})
    report = verify_pair(ns.compile(circuit, "brian2"), ns.compile(other, "brian2"), 10 * ms)
    assert not report.identical
    assert report["other"].state_divergence is not None or report.first_divergence is not None
    assert " A against " in report.text()
