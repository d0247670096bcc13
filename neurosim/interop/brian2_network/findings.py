"""What is found on the way: everything that cannot be expressed, raised once, and what a reader should know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from neurosim.errors import NeurosimError, UnsupportedError


@dataclass
class Findings:
    """Problems and remarks, in the order in which they were found."""

    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def refuse(self, problem: str) -> None:
        """Note something that a circuit cannot express."""
        if problem not in self.problems:
            self.problems.append(problem)

    def remark(self, text: str) -> None:
        """Note something that differs, or was left out without consequence."""
        if text not in self.remarks:
            self.remarks.append(text)

    @contextmanager
    def collecting(self, where: str) -> Iterator[None]:
        """Turn the errors of one object into problems, so that the others are looked at as well."""
        try:
            yield
        except NeurosimError as error:
            text = str(error)
            self.refuse(text if where in text else f"{where}: {text}")

    def raise_problems(self) -> None:
        """Raise everything that was found.

        Raises
        ------
        UnsupportedError
            If there is a problem; the message holds all of them.
        """
        if self.problems:
            listed = "\n".join(f"- {problem}" for problem in self.problems)
            raise UnsupportedError(f"this Brian2 network cannot become a circuit:\n{listed}")
