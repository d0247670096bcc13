"""`neurosim train`: train a circuit by its recipe, stop, go on."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from neurosim.cli.options import Settings, optional

if TYPE_CHECKING:
    from neurosim.training.recipe import Outcome

#: Files in the folder of the run, beside those of the Trainer.
CIRCUIT, MANIFEST = "circuit.json", "manifest.json"


@dataclass(frozen=True, kw_only=True)
class TrainCommand:
    """Train a circuit, and write the trained circuit."""

    name: Positional[
        Annotated[
            str,
            arg(
                metavar="NAME",
                help="A ready-made circuit that says how it is trained, or file.py:function, which returns a Recipe.",
            ),
        ]
    ]
    folder: Annotated[Path | None, optional("DIR", "NAME-training")] = None
    """Where the run is written: checkpoints, logs, the trained circuit."""
    resume: bool = False
    """Go on with the run in the folder."""
    epochs: Annotated[int | None, optional("N", "the recipe's")] = None
    """How many epochs in all."""
    batch_size: Annotated[int | None, optional("N", "the recipe's")] = None
    """Items at once."""
    seed: Annotated[int, arg(metavar="N")] = 0
    """Of what is drawn: the order of the items, noise, and what the recipe draws."""
    device: Annotated[str | None, optional("NAME", "the recipe's")] = None
    """Any torch device."""
    precision: Annotated[str | None, optional("NAME", "the module's own")] = None
    """32-true, 64-true, bf16-mixed or 16-mixed."""
    quick: bool = False
    """Do what takes less than two minutes."""
    checkpoint_every: Annotated[int | None, optional("N", "each epoch")] = None
    """Write a checkpoint after every N steps too."""
    tensorboard: bool = False
    """Write for TensorBoard too."""
    settings: Settings = ()
    json: bool = False
    """Print one JSON object instead of text."""

    def __call__(self, command: Sequence[str]) -> int:
        """Run the verb; return the exit code."""
        from neurosim.cli.manifest import surroundings
        from neurosim.cli.recipes import load_recipe
        from neurosim.training import TrainingInterrupted
        from neurosim.training.value_files import replace_file

        started = time.perf_counter()
        recipe = load_recipe(self.name, self.settings, quick=self.quick, seed=self.seed)
        folder = self.folder or Path(f"{recipe.module.circuit.name}-training")
        options: dict[str, Any] = {"tensorboard": self.tensorboard}
        for name in ("precision", "checkpoint_every"):
            if getattr(self, name) is not None:
                options[name] = getattr(self, name)
        try:
            outcome = recipe.train(
                epochs=self.epochs, batch_size=self.batch_size, seed=self.seed, device=self.device, folder=folder,
                resume=self.resume, **options,
            )  # fmt: skip
        except TrainingInterrupted as stopped:
            how = f"{folder} holds them; to go on, give the same command with --resume"
            print(f"neurosim: stopped after {stopped.step} of {stopped.steps} steps; {how}", file=sys.stderr)
            return 130
        if not outcome.first:
            return 0
        circuit = recipe.module.to_circuit()
        circuit.save(folder / CIRCUIT, overwrite=True)
        facts = {
            "command": ["neurosim", *command], "recipe": self.name, "seed": self.seed, "quick": self.quick,
            "circuit": circuit.name, "circuit_digest": circuit.digest(), **summary(outcome),
            "seconds": round(time.perf_counter() - started, 3), **surroundings(),
        }  # fmt: skip
        replace_file(folder / MANIFEST, json.dumps(facts, indent=2, allow_nan=False).encode() + b"\n")
        if self.json:
            shown = {"name": self.name, "folder": str(folder), "circuit_digest": circuit.digest(), **summary(outcome)}
            print(json.dumps(shown, allow_nan=False))
        else:
            print("\n".join([*lines(outcome), f"wrote {folder / CIRCUIT}"]))
        return 0


def summary(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as JSON values."""
    return {
        "epochs": [_plain(row) for row in outcome.history.epochs],
        "best": outcome.history.best,
        "test": None if outcome.test is None else _plain(outcome.test),
    }


def lines(outcome: Outcome) -> list[str]:
    """Return what to print: the last epoch, the best, and the test."""
    rows, best = outcome.history.epochs, outcome.history.best
    found = [f"epoch {len(rows)}: {_text(rows[-1])}"]
    if best is not None:
        found.append(f"best, epoch {best + 1}: {_text(rows[best])}")
    if outcome.test is not None:
        found.append(f"test: {_text(outcome.test)}")
    return found


def _text(row: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in row.items())


def _plain(row: Mapping[str, float]) -> dict[str, Any]:
    return {name: value if math.isfinite(value) else str(value) for name, value in row.items()}
