"""`neurosim verify`: hold backends against each other."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from tyro.conf import arg

from neurosim.cli.options import RunOptions, optional

#: File in the folder of --out.
REPORT = "report.json"


@dataclass(frozen=True, kw_only=True)
class VerifyCommand(RunOptions):
    """Run a circuit on several backends and report whether they agree: exit code 0 if so, 1 if not."""

    backends: Annotated[
        str,
        arg(
            metavar="NAMES",
            help="The reference, then what is held against it, with commas: brian2, brian2:numpy, brian2:cython, "
            "brian2:cpp_standalone, snntorch (the path that simulates), snntorch:eager (the one that trains).",
        ),
    ] = "brian2,snntorch,snntorch:eager"
    target: Annotated[str, arg(metavar="NAME")] = "numpy"
    """Code generation target of brian2: numpy, cython or cpp_standalone."""
    dtype: Annotated[str, arg(metavar="TYPE")] = "float64"
    """Of snntorch: float64 or float32."""
    device: Annotated[str, arg(metavar="NAME")] = "cpu"
    """Of snntorch: any torch device."""
    tolerance: Annotated[float | None, optional("X", "0 where operations are the same, else 1e-9")] = None
    """Largest difference of a variable, relative to its largest magnitude, that counts as equal."""

    def __call__(self, command: Sequence[str]) -> int:
        """Run the verb; return the exit code."""
        from neurosim.cli import figures
        from neurosim.cli.circuits import load_circuit
        from neurosim.cli.manifest import manifest
        from neurosim.cli.progress import progress
        from neurosim.cli.results import Results
        from neurosim.verification import verify

        started = time.perf_counter()
        named = load_circuit(self.circuit, self.settings, self.step())
        results = Results(self.out, overwrite=self.overwrite)
        file = results.in_folder(REPORT)
        plot = self.plot_path(named.circuit.name)
        if plot is not None:
            figures.check_plot(results.announce(plot))
        with progress() as bars:
            report = verify(
                named.circuit,
                self.duration_of(named.duration),
                backends=[name.strip() for name in self.backends.split(",") if name.strip()],
                seed=self.seed,
                trials=self.trials,
                target=self.target,
                dtype=self.dtype,
                device=self.device,
                tolerance=self.tolerance,
                progress=bars,
            )
        writers: dict[Any, Any] = {} if file is None else {file: report.save}
        if plot is not None:
            drawn = figures.figure(dict(list(report.recordings.items())[:2]), named.circuit, named.figures)
            writers[plot] = lambda path: figures.save(drawn, path)
        facts = manifest(
            command, named, duration=report.duration, seed=self.seed, trials=self.trials,
            identical=report.identical, backends=list(report.spikes), target=self.target, dtype=self.dtype,
            device=self.device, seconds=round(time.perf_counter() - started, 3),
        )  # fmt: skip
        results.write(writers, facts)
        if self.json:
            print(json.dumps(report.summary(), allow_nan=False))
        else:
            print("\n".join([report.text(), *(f"wrote {path}" for path in results.files)]))
        return 0 if report.identical else 1
