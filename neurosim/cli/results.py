"""Files that a command writes: all of them at its end, or none."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from neurosim.errors import FileFormatError

Writer = Callable[[Path], object]

MANIFEST = "manifest.json"


class Results:
    """The files of one command, announced before it computes anything.

    Parameters
    ----------
    folder
        Where they go, or None.
    overwrite
        Whether files that exist may be replaced.
    """

    def __init__(self, folder: Path | None, *, overwrite: bool) -> None:
        self.folder = folder
        self.overwrite = overwrite
        self._targets: list[Path] = []
        if folder is not None and folder.exists() and not folder.is_dir():
            raise FileFormatError(f"--out {folder} is no folder.")

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that will be there, manifests included."""
        return (*self._targets, *self._manifests())

    def announce(self, path: Path) -> Path:
        """Reserve a place.

        Raises
        ------
        FileFormatError
            If something is there already that may not be replaced, manifests included.
        """
        self._targets.append(path)
        for target in (path, *self._manifests()):
            if target.exists() and not self.overwrite:
                raise FileFormatError(f"{target} exists already; choose another place or give --overwrite.")
            if target.is_dir() and not target.name.endswith(".zarr"):
                raise FileFormatError(f"{target} is a folder; it will not be replaced.")
        return path

    def in_folder(self, name: str) -> Path | None:
        """Reserve a place in the folder, if there is one."""
        return None if self.folder is None else self.announce(self.folder / name)

    def _manifests(self) -> tuple[Path, ...]:
        """Return one place beside the files of the folder, and one beside each that lies elsewhere."""
        places = [
            self.folder / MANIFEST
            if self.folder is not None and target.parent == self.folder
            else target.with_name(f"{target.stem}.{MANIFEST}")
            for target in self._targets
        ]
        return tuple(dict.fromkeys(places))

    def write(self, writers: Mapping[Path, Writer], manifest: Mapping[str, Any]) -> None:
        """Write everything beside its place first, then move it there.

        Parameters
        ----------
        writers
            For each place that was reserved what writes to the path that it is given.
        manifest
            JSON values; the names of the files are added.
        """
        if not self._targets:
            return
        content = {**manifest, "files": [str(path) for path in self._targets]}
        text = json.dumps(content, indent=2, allow_nan=False) + "\n"
        every: dict[Path, Writer] = {**writers, **dict.fromkeys(self._manifests(), lambda path: path.write_text(text))}
        existing = next(parent for parent in self._targets[0].absolute().parents if parent.is_dir())
        with tempfile.TemporaryDirectory(prefix=".neurosim.", dir=existing) as scratch:
            staged = {}
            for index, (target, write) in enumerate(every.items()):
                staged[target] = Path(scratch) / str(index) / target.name
                staged[target].parent.mkdir()
                write(staged[target])
            for target, complete in staged.items():
                target.parent.mkdir(parents=True, exist_ok=True)
                if target.is_dir():
                    shutil.rmtree(target)
                shutil.move(complete, target)
