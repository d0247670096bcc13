"""Milliseconds for each word, by stage: what it costs to turn a sound into the spikes of a cochlea.

A word of the given length goes through the stages place by place, as a set of digits is made: the spectrum and the
velocity of the membrane, the hair cells, the bushy cells. The transfer functions of the membrane are computed once.

    python benchmarks/cochlea.py
    python benchmarks/cochlea.py --seconds 0.8 --places 140 --json
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

from neurosim.datasets.spoken_digits.bushy_cell import bushy_spikes
from neurosim.datasets.spoken_digits.cochlea import Cochlea, prepared
from neurosim.datasets.spoken_digits.hair_cell import firing_probability

ABREAST = 7  # places at a time, as `Cochlea.spikes` takes them


def voice(seconds: float, rate: int) -> np.ndarray:
    """Return a sound with the loudness of speech over the frequencies: a buzz of 120 Hz and some noise."""
    at = np.arange(round(seconds * rate)) / rate
    harmonics = np.arange(1, 40)
    buzz = (np.cos(2 * np.pi * 120 * np.outer(at, harmonics)) / harmonics).sum(axis=1)
    return buzz + 0.1 * np.random.default_rng(0).standard_normal(at.size)


def measure(seconds: float, n_places: int, repeats: int) -> dict[str, float]:
    """Return milliseconds by stage, those of processor time of one thread; the fastest of the repeats."""
    start = time.thread_time()
    cochlea = Cochlea(seconds, n_places=n_places)
    found = {"transfer functions, once": 1e3 * (time.thread_time() - start)}
    sound = voice(seconds, cochlea.rate)
    rounds = []
    for repeat in range(repeats + 1):
        spent = dict.fromkeys(("spectrum", "membrane", "hair cells", "bushy cells"), 0.0)
        times = [time.thread_time()]
        spectrum = cochlea.membrane.spectrum(prepared(sound))
        spent["spectrum"] = time.thread_time() - times[0]
        for first in range(0, n_places, ABREAST):
            last = min(first + ABREAST, n_places)
            times = [time.thread_time()]
            velocity = cochlea.membrane.velocity(spectrum, first, last)
            times.append(time.thread_time())
            chance = firing_probability(velocity, cochlea.spike_rate, sound.size // 2 + 1)
            times.append(time.thread_time())
            bushy_spikes(chance, cochlea.spike_rate, seed=repeat, first_place=first)
            times.append(time.thread_time())
            for name, stage in zip(("membrane", "hair cells", "bushy cells"), np.diff(times), strict=True):
                spent[name] += float(stage)
        if repeat:  # the first round compiles
            rounds.append(spent)
    found |= {name: 1e3 * min(spent[name] for spent in rounds) for name in rounds[0]}
    start = time.perf_counter()
    spikes = cochlea.spikes(sound, seed=0)[0].size
    found |= {"whole, by the clock": 1e3 * (time.perf_counter() - start), "spikes": float(spikes)}
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0.46, help="of the word (default: 0.46, as digits have)")
    parser.add_argument("--places", type=int, default=700, help="(default: 700)")
    parser.add_argument("--repeats", type=int, default=5, help="(default: 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    found = measure(arguments.seconds, arguments.places, arguments.repeats)
    if arguments.json:
        print(json.dumps(found))
        return
    print(f"{arguments.seconds} s of sound, {arguments.places} places, one thread; milliseconds of processor time")
    for name, value in found.items():
        print(f"{name:26s} {value:8.1f}" if name != "spikes" else f"{name:26s} {value:8.0f}")


if __name__ == "__main__":
    main()
