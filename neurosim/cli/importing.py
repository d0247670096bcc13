"""`neurosim import`: a circuit from a file of other software."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from neurosim.cli.options import optional
from neurosim.errors import FileFormatError


@dataclass(frozen=True, kw_only=True)
class ImportCommand:
    """Make a circuit of a graph of NIR: a .json file, which every verb takes as CIRCUIT."""

    file: Positional[Annotated[Path, arg(metavar="FILE.nir", help="The graph.")]]
    dt: Annotated[str | None, optional("TIME", "what the file notes")] = None
    """Time step, such as 0.1ms; a graph of NIR has none."""
    inputs: Annotated[
        Literal["spikes", "signal"] | None, optional("{spikes,signal}", "what the file notes, else spikes")
    ] = None
    """What comes in through the graph's inputs, which it does not say."""
    spikes: Annotated[
        Literal["dirac", "step"] | None,
        arg(
            metavar="{dirac,step}",
            help="dirac: a spike has an area of 1, as NIR says. step: it is a current of 1 for one dt, as snnTorch, "
            "Norse and others execute a file.",
            help_behavior_hint="(default: what the file notes, else dirac)",
        ),
    ] = None
    units: Annotated[Literal["plain", "SI"] | None, optional("{plain,SI}", "what the file notes, else plain")] = None
    """Neurons in plain numbers, or in volt and ampere."""
    method: Annotated[str | None, optional("NAME", "exact where the membrane leaks")] = None
    """Integrator of the neurons, such as euler."""
    out: Annotated[Path | None, optional("FILE", "the graph's name, .json")] = None
    """Where the circuit goes; its arrays go beside it, .npz."""
    json: bool = False
    """Print one JSON object instead of text."""
    overwrite: bool = False
    """Replace files that exist."""

    def __call__(self, command: Sequence[str]) -> int:
        """Run the verb; return the exit code."""
        from neurosim.cli.values import parse_time
        from neurosim.interop import from_nir

        step = None if self.dt is None else parse_time(self.dt, "--dt")
        circuit = from_nir(
            self.file, dt=step, inputs=self.inputs, spikes=self.spikes, units=self.units, method=self.method
        )
        target = self.file.with_suffix(".json") if self.out is None else self.out
        if target.suffix != ".json":
            raise FileFormatError(f"--out {target}: a circuit's file ends in .json.")
        path = circuit.save(target, overwrite=self.overwrite)
        companion = path.with_suffix(".npz")
        files = [str(file) for file in (path, companion) if file.exists()]
        if self.json:
            outcome = {"circuit": circuit.name, "circuit_digest": circuit.digest(), "files": files}
            print(json.dumps(outcome, allow_nan=False))
        else:
            print("\n".join(f"wrote {file}" for file in files))
        return 0
