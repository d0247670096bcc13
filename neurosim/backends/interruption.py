"""Ctrl-C during a run: the run stops between two steps, and what it recorded is kept."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.recording import Recording


class RunInterrupted(KeyboardInterrupt):
    """A run that was stopped by Ctrl-C (SIGINT), with what it has recorded until then.

    Parameters
    ----------
    recording
        Of the steps that were done; ``recording.state`` is where a run goes on, and
        :func:`neurosim.recording.concatenate` joins the two recordings.
    remaining
        Number of steps that are left.
    store
        Where the recording is, if the run was written to a store; the same call with ``resume=True`` goes on there.

    Examples
    --------
    ::

        try:
            recording = simulator.run(60 * second)
        except ns.RunInterrupted as stopped:
            recording = stopped.recording
        rest = simulator.run(30 * second, state=recording.state)
    """

    def __init__(self, recording: Recording, remaining: int, store: str | None = None) -> None:
        self.recording = recording
        self.remaining = remaining
        metadata = recording.metadata
        super().__init__(
            f"stopped after {metadata['n_steps']} of {metadata['n_steps'] + remaining} steps; "
            + (
                f".recording holds them, go on with state=.recording.state for {remaining * metadata['dt']:.9g} s"
                if store is None
                else f"{store} holds them, go on by the same call with resume=True"
            )
        )


class Stop:
    """Whether a run is to stop; within ``with``, the first Ctrl-C asks for it and a second one stops at once.

    Where signals are not Python's to handle (another thread, a handler of the user's own), nothing is changed.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: Any = None

    def __enter__(self) -> Stop:
        """Take over Ctrl-C."""
        before = signal.getsignal(signal.SIGINT)
        # Brian2 wraps the handler that it finds, for the time of its own Network.run.
        innermost = getattr(before, "previous_handler", before)
        if threading.current_thread() is threading.main_thread() and innermost is signal.default_int_handler:
            self._before = before
            signal.signal(signal.SIGINT, self._request)
        return self

    def __exit__(self, *_: object) -> None:
        """Give Ctrl-C back."""
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def _request(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
