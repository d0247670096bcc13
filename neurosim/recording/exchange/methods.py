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
    """Exchange of recordings: with Neo, with pynapple, by files of NWB and SONATA, by folders of suite2p."""

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
            A series is the variable ``data`` of an object with its name. What is known of units, of regions of images
            (two-photon fluorescence), intervals and events is in the tables; of columns that hold lists only ``tags``
            are kept.

        Raises
        ------
        FileFormatError
            If it is no NWB file.
        RecordError
            If units of a population were observed at different times and no `support` is given.
        """
        from neurosim.recording.exchange.nwb_reading import from_nwb

        return from_nwb(path, populations=populations, series=None if series is None else list(series), support=support)

    def to_suite2p(self, folder: str | Path, *, population: str | None = None, overwrite: bool = False) -> None:
        """Write a folder of suite2p: ``F.npy``, ``Fneu.npy``, ``spks.npy`` (region, frame) and ``iscell.npy``.

        They hold the traces ``fluorescence``, ``neuropil`` and ``deconvolved`` of one object, and the columns
        ``accepted`` and ``probability`` of its units. All else is in ``neurosim.json`` beside them, so that
        `from_suite2p` returns an equal recording. The pickles of suite2p (``ops.npy``, ``stat.npy``) are not written,
        which its window needs.

        Parameters
        ----------
        folder
            Where. It appears under this name only once it is complete.
        population
            Of which object; all else of the recording is left out then. By default it must hold nothing else.
        overwrite
            Whether a folder of suite2p that is there already may be replaced.

        Raises
        ------
        FileFormatError
            If something is there already that may not be replaced.
        RecordError
            If the recording holds what such a folder has no place for: spikes, tables, other traces, several trials.
        """
        from neurosim.recording.exchange.with_suite2p import to_suite2p

        to_suite2p(_whole(self), folder, population=population, overwrite=overwrite)

    @classmethod
    def from_suite2p(cls, folder: str | Path, *, frame_rate: Any = None, population: str = "roi") -> Recording:
        """Read a folder of suite2p: one plane, or a folder with one plane in it.

        Parameters
        ----------
        folder
            Where ``F.npy`` is, perhaps in ``suite2p/plane0`` below.
        frame_rate
            In hertz, or a quantity: ``ops["fs"]``. By default what ``Fall.mat`` says, or what `to_suite2p` wrote.
            ``ops.npy`` is a pickle and is not opened.
        population
            What the regions are called.

        Returns
        -------
        Recording
            Traces ``fluorescence``, ``neuropil`` and ``deconvolved``, as far as they are there, without a unit; their
            ``attrs["modality"]`` says what they are. In `units` is what suite2p says of a region: ``accepted`` and
            ``probability``. Take the accepted ones with ``select(units=recording.units["accepted"])``.

        Raises
        ------
        FileFormatError
            If the folder holds no plane or several, or arrays that do not fit each other.
        RecordError
            If the frame rate is not known.
        """
        from neurosim.recording.exchange.with_suite2p import from_suite2p

        return from_suite2p(folder, frame_rate=frame_rate, population=population)

    def to_sonata(self, folder: str | Path, *, overwrite: bool = False) -> None:
        """Write a folder of SONATA files: ``spikes.h5`` and a report ``object.variable.h5`` for each trace.

        Times are milliseconds there, neurons ``node_ids``. What SONATA has no place for is in ``neurosim.json`` beside
        them, so that `from_sonata` returns an equal recording, but for the state. Needs the extra ``exchange``.

        Parameters
        ----------
        folder
            Where. It appears under this name only once it is complete.
        overwrite
            Whether a folder that `to_sonata` wrote may be replaced.

        Raises
        ------
        FileFormatError
            If something is there already that may not be replaced.
        RecordError
            If there are several trials, or traces that a report cannot hold: reduced, of edges, or unevenly sampled.
        """
        from neurosim.recording.exchange.with_sonata import to_sonata

        to_sonata(_whole(self), folder, overwrite=overwrite)

    @classmethod
    def from_sonata(
        cls, path: str | Path, *, sizes: Mapping[str, int] | None = None, support: Intervals | None = None
    ) -> Recording:
        """Read spikes and reports in the form of SONATA; needs the extra ``exchange``.

        Parameters
        ----------
        path
            A file of spikes or of a report, or a folder with such files (``.h5``).
        sizes
            How many neurons each population has, which the files do not say; by default up to the last that spiked.
        support
            When the spikes were observed, as in `Recording`; by default from 0 to the last spike.

        Returns
        -------
        Recording
            Of a folder that `to_sonata` wrote, the recording that it was made of. Else populations by name, their
            spikes in seconds, and each report as a trace with the name of its file, volts and amperes in SI units. Of
            reports with several elements a neuron the coordinate ``element`` counts them.

        Raises
        ------
        FileFormatError
            If there is no such file, or a dataset that the form needs is missing.
        """
        from neurosim.recording.exchange.with_sonata import from_sonata

        return from_sonata(path, sizes=sizes, support=support)


def _whole(recording: Exchanged) -> Recording:
    return cast("Recording", recording)
