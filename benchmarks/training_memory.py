"""Memory and time of one training step over a long sequence: at once, checkpointed, truncated.

Each way runs in a process of its own: a recurrent layer of leaky integrate-and-fire neurons with delays, forward and
backward once. On a CPU the memory is the peak of the process above what it held before the step, and the time the
processor's, which other processes do not change; on a GPU the memory is torch's own and the time that on the clock.

    python benchmarks/training_memory.py
    python benchmarks/training_memory.py --steps 4000 --chunk 64 --device cuda --json
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

WAYS = ("at once", "checkpointed", "truncated")


def measure(way: str, steps: int, neurons: int, batch: int, chunk: int, device: str) -> dict[str, float]:
    """Return the peak memory in bytes, the seconds, and the gradient's norm of one training step."""
    import torch

    import neurosim as ns
    from neurosim.benchmarks.sides.memory import Peak, resident
    from neurosim.training.chunks import chunked, chunks
    from neurosim.units import ms

    circuit = ns.Circuit("memory", dt=1 * ms, seed=1)
    circuit.source("in", ns.SpikeSource(100))
    cell = ns.models.lif(tau_mem=20 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0, receptors={"x": 5 * ms})
    circuit.population("hidden", neurons, cell)
    circuit.population("out", 10, ns.models.leaky_integrator(tau_mem=20 * ms))
    weight = ns.Trainable(ns.Normal(0.0, 1.0 / neurons**0.5))
    circuit.connect("in", "hidden", ns.AllToAll(), receptor="x", weight=ns.Trainable(ns.Normal(0.05, 0.1)))
    circuit.connect("hidden", "hidden", ns.AllToAll(), receptor="x", weight=weight, delay=5 * ms)
    circuit.connect("hidden", "out", ns.AllToAll(), receptor="v", weight=weight)
    module = ns.compile(circuit, backend="snntorch", device=device)
    generator = torch.Generator().manual_seed(1)
    inputs = {"in": (torch.rand(steps, batch, 100, generator=generator) < 0.02).float().to(device)}
    cuda = device.startswith("cuda")
    module({"in": inputs["in"][:128, :1]})[0]["out"]["v"].sum().backward()  # what is loaded on first use
    module.zero_grad()
    if cuda:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    clock = time.perf_counter if cuda else time.process_time
    start = clock()
    held = resident()
    with Peak() as peak:
        if way == "truncated":
            for outputs, _ in chunks(module, inputs, steps_per_chunk=chunk):
                (outputs["out"]["v"].square().sum() / steps).backward()
        elif way == "checkpointed":
            outputs, _ = chunked(module, inputs, steps_per_chunk=chunk)
            (outputs["out"]["v"].square().sum() / steps).backward()
        else:
            outputs, _ = module(inputs)
            (outputs["out"]["v"].square().sum() / steps).backward()
        if cuda:
            torch.cuda.synchronize()
    seconds = clock() - start
    used = torch.cuda.max_memory_allocated() - before if cuda else peak.most - held
    slopes = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    norm = torch.linalg.vector_norm(torch.cat([slope.flatten() for slope in slopes])).item()
    return {"bytes": used, "seconds": seconds, "gradient": norm}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1000, help="of the sequence (default: 1000)")
    parser.add_argument("--neurons", type=int, default=256, help="of the recurrent layer (default: 256)")
    parser.add_argument("--batch", type=int, default=16, help="(default: 16)")
    parser.add_argument("--chunk", type=int, default=32, help="steps of a chunk (default: 32)")
    parser.add_argument("--device", default="cpu", help="(default: cpu)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--way", choices=WAYS, help="measure one way, in this process")
    arguments = parser.parse_args()
    if arguments.way:
        sizes = (arguments.steps, arguments.neurons, arguments.batch, arguments.chunk)
        print(json.dumps(measure(arguments.way, *sizes, arguments.device)))
        return
    found = {}
    for way in WAYS:
        command = [sys.executable, __file__, *sys.argv[1:], "--way", way]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found[way] = json.loads(done.stdout)
    if arguments.json:
        print(json.dumps(found))
        return
    print(
        f"{arguments.steps} steps, {arguments.neurons} neurons, batch {arguments.batch}, chunks of {arguments.chunk}, "
        f"{arguments.device}"
    )
    for way, row in found.items():
        print(
            f"{way:14s} {row['bytes'] / 2**20:8.0f} MiB  {row['seconds']:6.2f} s  norm of the gradient "
            f"{row['gradient']:.6g}"
        )


if __name__ == "__main__":
    main()
