"""Where one run leaves to the next what took time to prepare."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

Kept = TypeVar("Kept")


class Shelf(Generic[Kept]):
    """Holds one thing, or nothing; who takes it has it alone, also among threads. A copy of a shelf is empty."""

    def __init__(self) -> None:
        self._kept: list[Kept] = []

    def take(self) -> Kept | None:
        """Take down what is there."""
        try:
            return self._kept.pop()
        except IndexError:
            return None

    def put(self, thing: Kept) -> None:
        """Put something there instead of what may be there."""
        self._kept[:] = [thing]

    def __deepcopy__(self, memo: dict[int, Any]) -> Shelf[Kept]:
        return Shelf()

    def __reduce__(self) -> tuple[type[Shelf[Kept]], tuple[()]]:
        return Shelf, ()
