"""Runs without gradients on a GPU go through the kernels of calls; the interpreter runs them where there is no GPU."""

from __future__ import annotations

import os

import numpy as np
import pytest

import neurosim as ns
from backends.snntorch.test_gpu_recurrent import AT_ONCE, use_kernels
from backends.snntorch.test_loops import balanced
from neurosim.backends.snntorch import module as module_of_circuits
from neurosim.backends.snntorch.gpu import runs
from neurosim.units import ms

pytest.importorskip("triton", reason="Triton is not installed: extra gpu")

interpreted = pytest.mark.skipif(
    os.environ.get("TRITON_INTERPRET") != "1", reason="there is a GPU here: Triton compiles, and does not interpret"
)
RECORD = {"exc": ["spikes", ns.Record("v", every=3 * ms)], "inh": ["spikes", "s"], "in": "spikes"}


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let kernels of Triton carry runs on a CPU, in blocks of five steps; return the steps of each block."""
    blocks: list[int] = []

    class Counted(runs.BlockRun):
        def run(self) -> object:  # type: ignore[override]
            blocks.append(self.n_steps)
            return super().run()

    use_kernels(monkeypatch, AT_ONCE)
    monkeypatch.setattr(module_of_circuits, "by_triton", lambda module: module.options.fused == "always")
    monkeypatch.setattr(runs, "BlockRun", Counted)
    monkeypatch.setattr("neurosim.backends.simulator.steps_at_once", lambda program, trials: 5)
    return blocks


def ran(fused: str) -> ns.Recording:
    module = ns.compile(balanced(), backend="snntorch", fused=fused, dtype="float32").eval()
    spikes = np.random.default_rng(1).random((12, 6)) < 0.3
    return module.run(12 * ms, trials=2, seed=3, record=RECORD, inputs={"in": spikes})


@interpreted
def test_runs_by_kernels_and_by_steps_agree(kernels: list[int]) -> None:
    ours, theirs = ran("always"), ran("never")
    assert kernels == [5, 5, 2]
    assert len(theirs.spikes["exc"]) > 3
    assert ours.spikes == theirs.spikes
    for name, variable in (("exc", "v"), ("inh", "s")):
        one, other = ours[name][variable].values, theirs[name][variable].values
        assert one.shape == other.shape
        assert np.allclose(one, other, rtol=0, atol=1e-5), (name, variable)
    for (address, one), (_, other) in zip(ours.state.arrays(), theirs.state.arrays(), strict=True):
        assert np.allclose(one, other, rtol=1e-5, atol=1e-5), address


@interpreted
@pytest.mark.usefixtures("kernels")
def test_what_is_said_of_runs() -> None:
    module = ns.compile(balanced(), backend="snntorch", fused="always", dtype="float32")
    assert str(module.stepped_runs).startswith("the delays of inh_to_inh are being learned")
    assert module.explain().runs.path == "steps of torch"
    assert module.eval().stepped_runs is None
    assert module.explain().runs.path == "kernels of Triton"
    circuit = balanced()
    facilitating = ns.SynapseModel("dr/dt = -r/(5*ms) : 1 (event-driven)", on_pre="r += 1; v_post += w*r")
    circuit.connect("inh", "exc", ns.AllToAll(), synapse=facilitating, weight=0.1, name="facilitating")
    module = ns.compile(circuit, backend="snntorch", fused="always").eval()
    assert module.stepped_runs == "exc, inh: the edges of facilitating have a state"


@pytest.mark.cuda
def test_on_a_gpu() -> None:
    found = []
    for device in ("cpu", "cuda"):
        module = ns.compile(balanced(), backend="snntorch", fused="always", dtype="float64", device=device).eval()
        assert module.stepped_runs is None
        spikes = np.random.default_rng(1).random((200, 6)) < 0.3
        found.append(module.run(200 * ms, trials=2, seed=3, record=RECORD, inputs={"in": spikes}))
    assert len(found[0].spikes["exc"]) > 10
    assert found[0].spikes == found[1].spikes
    assert np.allclose(found[0]["inh"]["s"].values, found[1]["inh"]["s"].values, rtol=1e-9, atol=1e-12)
