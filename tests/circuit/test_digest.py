"""The digest: the same for equal circuits everywhere, another one for every difference."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import neurosim.circuit as nc
from circuit.small import small, with_arrays
from neurosim.units import ms, mV


def test_the_digest_is_the_same_in_every_process(tmp_path: Path) -> None:
    path = with_arrays().save(tmp_path / "c.json")
    code = f"import neurosim.circuit as nc; print(nc.Circuit.load({str(path)!r}).digest())"
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
        assert run.stdout.strip() == with_arrays().digest()


def test_the_digest_of_a_published_circuit_does_not_move() -> None:
    # Recordings and files of other versions refer to it; change the schema version when this must change.
    circuit = nc.Circuit("golden", dt=0.5 * ms, seed=1)
    circuit.source("input", nc.SpikeSource(2))
    assert circuit.digest() == "f568fe31e55a8963725f583125f8fcfe633a21b62679cd56427b4ebbbdf9aac1"


def test_everything_that_counts_moves_the_digest() -> None:
    def made(weight: Any = 1 * mV, rule: nc.Connectivity | None = None, **options: Any) -> str:
        circuit = small(**{key: options.pop(key) for key in ("seed", "round_delays") if key in options})
        circuit.connect("exc", "inh", rule or nc.AllToAll(), receptor="exc", weight=weight, **options)
        return circuit.digest()

    ones = np.ones(40)
    digests = [
        made(), made(seed=6), made(round_delays=True), made(2 * mV), made(ones * mV), made(ones * 2 * mV),
        made(nc.Uniform(0 * mV, 1 * mV)), made(nc.Trainable(1 * mV)), made(delay=1 * ms), made(name="p"),
        made(rule=nc.FixedProbability(1.0)), made(rule=nc.Edges([0], [0])), made(rule=nc.Edges([0], [1])),
        small().digest(),
    ]  # fmt: skip
    assert len(set(digests)) == len(digests)
    assert made() == made()
    assert made(0.0 * mV) == made(-0.0 * mV)  # equal values, so equal digests
    assert made(ones * 0.0 * mV) == made(ones * -0.0 * mV)
