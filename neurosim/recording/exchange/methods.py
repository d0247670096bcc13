"""The methods of a recording that give it to other projects, and take it from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from datetime import datetime

    from neurosim.recording.exchange.with_pynapple import PynappleObjects
    from neurosim.recording.recording import Recording
    from neurosim.recording.support import Intervals


class Exchanged:
    """Exchange of recordings: with Neo, with pynapple, by NWB files."""

    __slots__ = ()

    def to_neo(self) -> Any:
        """Return a ``neo.Block`` with a segment for each trial; needs the extra ``exchange``.

        A segment holds a spike train for each neuron (silent ones included), a signal for each trace with its unit and
        sampling, an epoch for each table of `intervals`, an event for each of `events`, and the support as an epoch.
        All else but the state is in the block's annotation ``neurosim``, so that `from_neo` returns an equal recording.

        Raises
        ------
        RecordError
            If Neo is not installed.
        """
        from neurosim.recording.exchange.with_neo import to_neo

        return to_neo(_whole(self))

    @classmethod
    def from_neo(cls, source: Any, *, populations: str | None = None) -> Recording:
        """Return the recording of a ``neo.Block`` or ``neo.Segment``, from whatever Neo has read it.

        Parameters
        ----------
        source
            Segments become trials; the units of all segments must be the same, in time and in number.
        populations
            The annotation of spike trains by which they are told apart; by default ``population``, and without it all
            are one population, ``units``.

        Returns
        -------
        Recording
            Of a block that `to_neo` made, the recording that it was made of, but for the state. Else a signal is the
            variable ``signal`` of an object with its name, in SI units.
        """
        from neurosim.recording.exchange.with_neo import from_neo

        return from_neo(source, populations)

    def to_pynapple(self) -> PynappleObjects:
        """Return pynapple's objects by name; needs the extra ``exchange``.

        A ``TsGroup`` for each population with what is known of its units, a ``TsdFrame`` or ``Tsd`` for each trace (as
        ``"exc.v"``), an ``IntervalSet`` for ``"support"`` and each table of `intervals`, a ``Ts`` for each of `events`.
        Several trials are laid one after the other, whole seconds apart.

        Returns
        -------
        dict
            Which `from_pynapple` takes back: traces, tables and metadata as they were. Pynapple rounds times to 1e-9 s;
            on the grid of a simulation spikes come back to the last bit.
        """
        from neurosim.recording.exchange.with_pynapple import to_pynapple

        return to_pynapple(_whole(self))

    @classmethod
    def from_pynapple(cls, source: Any) -> Recording:
        """Return the recording of pynapple's objects.

        Parameters
        ----------
        source
            What `to_pynapple` returned; or a ``TsGroup``, or objects by name, such as what ``pynapple.load_file``
            returns.

        Returns
        -------
        Recording
            Of the objects of others: groups are populations, with what is known of their units; a ``Tsd`` or
            ``TsdFrame`` is the variable ``data`` of an object with its name, without a unit (pynapple keeps none).
        """
        from neurosim.recording.exchange.with_pynapple import from_pynapple

        return from_pynapple(source)

    def to_nwb(
        self,
        path: str | Path,
        *,
        overwrite: bool = False,
        session_start_time: datetime | None = None,
        subject: Mapping[str, str] | None = None,
    ) -> None:
        """Write a file of Neurodata Without Borders (NWB); needs the extra ``exchange``.

        Neurons become ``units`` with ``spike_times`` and ``obs_intervals`` (the support), traces series in the module
        ``traces`` (one with more columns than samples a table there), `intervals` and `events` the tables of that name.
        Several trials are laid one after the other, whole seconds apart; the table ``trials`` says where. What NWB has
        no place for is beside it as JSON, so that `from_nwb` returns an equal recording, but for the state.

        Parameters
        ----------
        path
            Where; by custom ``name.nwb``. The file appears under this name only once it is complete.
        overwrite
            Whether an NWB file that is there already may be replaced.
        session_start_time
            By default ``session_start_time`` of the metadata (ISO 8601), else now.
        subject
            Fields of ``pynwb.file.Subject``; by default ``subject`` of the metadata, else a subject that is none.

        Raises
        ------
        FileFormatError
            If something is there already that may not be replaced.
        RecordError
            If pynwb is not installed.
        """
        from neurosim.recording.exchange.nwb_writing import to_nwb

        to_nwb(_whole(self), path, overwrite=overwrite, session_start_time=session_start_time, subject=subject)

    @classmethod
    def from_nwb(
        cls,
        path: str | Path,
        *,
        populations: str | None = None,
        series: Iterable[str] | None = None,
        support: Intervals | None = None,
    ) -> Recording:
        """Read a file of Neurodata Without Borders (NWB).

        Parameters
        ----------
        path
            The file. One that `to_nwb` wrote comes back as it was, but for the state, unless something below is given.
        populations
            The column of ``units`` that tells populations apart, such as ``"location"`` (where a unit says nothing,
            that of its electrodes counts; ``unknown`` if neither says); by default ``population``, else all are
            ``units``.
        series
            Names of the time series to read; by default all but raw voltages and images.
        support
            Read the spikes of these intervals only. By default a unit's own ``obs_intervals``, else the epochs, else
            the time from 0 to the last spike.

        Returns
        -------
        Recording
            A series is the variable ``data`` of an object with its name. What is known of units, intervals and events
            is in the tables; of columns that hold lists only ``tags`` are kept.

        Raises
        ------
        FileFormatError
            If it is no NWB file.
        RecordError
            If units of a population were observed at different times and no `support` is given.
        """
        from neurosim.recording.exchange.nwb_reading import from_nwb

        return from_nwb(path, populations=populations, series=None if series is None else list(series), support=support)


def _whole(recording: Exchanged) -> Recording:
    return cast("Recording", recording)
