"""Files of tensors, numbers and text: safetensors, with all that is no tensor as JSON in the header.

One file holds all of a checkpoint, so that nothing in it can be of another moment than the rest. It is written under
another name, and gets its own when it is complete and on the disk: whoever is killed leaves the file from before. No
pickle is written or read, so that a file from anywhere can be opened.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import torch
from torch import Tensor

from neurosim.errors import FileFormatError, TrainingError
from neurosim.training.extras import extra

VERSION = "1"
_PARTIAL = ".partial"


def write_values(path: Path, content: Any, form: str) -> None:
    """Write a tree of values, in place of a file that may be there.

    Parameters
    ----------
    path
        Where to.
    content
        Tensors, numbers, text, None, and dicts, lists and tuples of these.
    form
        What the file says that it is.

    Raises
    ------
    TrainingError
        If something else is in it.
    """
    safetensors = extra("safetensors.torch", "a checkpoint")
    tensors: dict[str, Tensor] = {}
    text = json.dumps(_split(content, "", tensors), allow_nan=False)
    header = {"format": form, "version": VERSION, "content": text, "digest": _digest(text, tensors)}
    replace_file(path, safetensors.save(tensors, header))


def read_values(path: Path, form: str) -> Any:
    """Read what :func:`write_values` wrote; tensors come on the CPU.

    Raises
    ------
    FileFormatError
        If it is not there, is something else, or is damaged.
    """
    safetensors = extra("safetensors", "a checkpoint")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            header = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (OSError, safetensors.SafetensorError) as error:
        raise FileFormatError(f"{path} cannot be read: {error}.") from None
    if header.get("format") != form:
        raise FileFormatError(f"{path} is no {form} file, but {header.get('format', 'of unknown kind')!r}.")
    if header.get("version") != VERSION:
        raise FileFormatError(
            f"{path} is of version {header.get('version')!r}; this neurosim reads version {VERSION}. Use the neurosim "
            "that wrote it."
        )
    if header.get("digest") != _digest(header.get("content", ""), tensors):
        raise FileFormatError(f"{path} does not match its digest: it is damaged or has been edited.")
    return _joined(json.loads(header["content"]), tensors)


def replace_file(path: Path, content: bytes) -> None:
    """Put content on the disk under another name, then give it its own: never is there half a file of that name."""
    staged = path.with_name(f".{path.name}.{uuid4().hex}{_PARTIAL}")
    try:
        with staged.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(staged, path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name itself
    finally:
        os.close(folder)


def clear_partial(folder: Path) -> None:
    """Remove what a killed process was writing."""
    for left in folder.glob(f".*{_PARTIAL}"):
        left.unlink(missing_ok=True)


def _split(value: Any, where: str, tensors: dict[str, Tensor]) -> Any:
    """Return a value as JSON, its tensors put aside by where they stand."""
    if isinstance(value, Tensor):
        # A copy: values that are tied share memory, which the format does not know.
        tensors[where] = value.detach().to("cpu", copy=True).contiguous()
        return {"tensor": where}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, Mapping):
        pairs = [[_key(key, where), _split(one, f"{where}/{key}", tensors)] for key, one in value.items()]
        return {"counter" if isinstance(value, Counter) else "dict": pairs}
    if isinstance(value, (list, tuple)):
        items = [_split(one, f"{where}/{number}", tensors) for number, one in enumerate(value)]
        return items if isinstance(value, list) else {"tuple": items}
    raise TrainingError(f"checkpoint: {where or 'its content'} is a {type(value).__name__}, which cannot be saved.")


def _key(key: Any, where: str) -> int | str:
    if not isinstance(key, (int, str)):
        raise TrainingError(f"checkpoint: {where} has a key {key!r}; only numbers and text can be saved.")
    return key


def _joined(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_joined(one, tensors) for one in value]
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    if kind == "tensor":
        return tensors[inner]
    if kind == "float":
        return float(inner)
    if kind == "tuple":
        return tuple(_joined(one, tensors) for one in inner)
    pairs = {key: _joined(one, tensors) for key, one in inner}
    return Counter(pairs) if kind == "counter" else pairs


def _digest(text: str, tensors: Mapping[str, Tensor]) -> str:
    total = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        total.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()
