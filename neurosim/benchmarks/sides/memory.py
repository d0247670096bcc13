"""What a process holds."""

from __future__ import annotations

import gc
import resource
import threading
from pathlib import Path


def resident() -> int:
    """Return the bytes of memory that this process holds now (Linux)."""
    gc.collect()
    return _resident()


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


class Peak:
    """The largest memory of this process while a block runs, looked at every millisecond: ``most``, in bytes."""

    def __enter__(self) -> Peak:
        """Begin to look."""
        self.most = resident()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop looking."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.001):
            self.most = max(self.most, _resident())
