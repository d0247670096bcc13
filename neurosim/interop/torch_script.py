"""Scripts of layers of torch: the source of a module that needs neurosim for nothing, a plan, and how to run it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from neurosim.interop.brian2_script import literals
from neurosim.interop.layers import Layers
from neurosim.version import __version__

_MAIN = '''
def load(dtype: torch.dtype = torch.float32) -> Any:
    """Return the network with the weights beside this file."""
    with np.load(pathlib.Path(__file__).with_suffix(".npz"), allow_pickle=False) as arrays:
        return build({build}, dtype)


def main() -> None:
    """Run the network on spikes from a file, and tell."""
    parser = argparse.ArgumentParser(description="Run the network.")
    parser.add_argument("spikes", help="an .npy file: (time, *shape of the source) or (time, batch, *shape), 0 or 1")
    parser.add_argument("--save", metavar="FILE.npz", help="keep what each layer puts out, (time, batch, *shape)")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float64")
    given = parser.parse_args()
    dtype = getattr(torch, given.dtype)
    spikes = torch.tensor(np.load(given.spikes, allow_pickle=False)).to(dtype)
    with torch.no_grad():
        outputs = run({run}, spikes.reshape(len(spikes), -1, *SHAPE))
    for name, values in outputs.items():
        shown = "it does not spike" if name in SILENT else f"{{int(values.sum())}} spikes"
        print(f"{{name}}: {{shown}}")
    if given.save:
        np.savez_compressed(given.save, **{{name: values.numpy() for name, values in outputs.items()}})


if __name__ == "__main__":
    main()
'''


def script(
    layers: Layers, library: str, module: ModuleType, plan: Sequence[Mapping[str, Any]], *, build: str, run: str
) -> str:
    """Return the text of a script.

    Parameters
    ----------
    layers
        What it holds.
    library
        Which it needs, as it is written.
    module
        Whose source it contains; it has ``build`` and ``run``.
    plan
        From which it is built, of texts, numbers, lists and dictionaries.
    build, run
        How the two functions are called: ``"PLAN, arrays"``.
    """
    source = inspect.getsource(module)
    body = ast.parse(source).body
    first = body[2]  # behind the docstring and the import of annotations
    code = "\n".join(source.splitlines()[first.lineno - 1 :])
    silent = [layer.name for layer in layers.layers if layer.threshold is None]
    names = ", ".join(layer.name for layer in layers.layers)
    lines = [
        literals.comment(f"Circuit {layers.circuit!r} as layers of {library}: {layers.source}, {names}."),
        f"# Written by neurosim {__version__}; needs {library}, torch and numpy. Weights are in the .npz beside it.",
        f"# One index of time is {layers.dt!r} s. Index t of layer l, counted from 1, is step t + l of the circuit:",
        "# layers pass a spike on within the step, a circuit passes it on after the threshold was looked at.",
        "from __future__ import annotations",
        "",
        "import argparse",
        "import pathlib",
        code,
        "",
        "",
        f"SHAPE = {tuple(layers.shape)!r}  # of the source",
        f"SILENT = {silent!r}  # layers that put v out",
        f"DT = {layers.dt!r}  # seconds",
        "PLAN: list[dict[str, Any]] = [",
        *(f"    {dict(item)!r}," for item in plan),
        "]",
        "",
        _MAIN.format(build=build, run=run),
    ]
    return "\n".join(lines)
