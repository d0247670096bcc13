"""Fluorescence in NWB files that are written: series of regions, as other readers look for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.recording.exchange.extras import extra

if TYPE_CHECKING:
    import xarray

PURPOSE = "Exchange by NWB files"
#: The standard's place for what was imaged.
MODULE = "ophys"
#: Which interface holds a series, by the ``modality`` of the trace.
INTERFACES = {
    "fluorescence": "Fluorescence",
    "fluorescence, raw": "Fluorescence",
    "fluorescence of the neuropil around a region, raw": "Fluorescence",
    "dF/F": "DfOverF",
}
#: The standard asks for the pixels of a region. A recording does not hold them: each region has one, of weight 0.
_PIXELS = np.dtype([("x", np.uint32), ("y", np.uint32), ("weight", np.float32)])
_UNKNOWN = "unknown"


def is_imaged(trace: xarray.DataArray) -> bool:
    """Tell whether a trace is the fluorescence of regions, a column for each, with as many samples at least."""
    return (
        trace.attrs.get("modality") in INTERFACES
        and "reduce" not in trace.attrs
        and trace.ndim == 3
        and 0 < trace.shape[2] <= trace.shape[0] * trace.shape[1]
    )


class Imaging:
    """The imaging plane, the regions and the series of a file that is being written; nothing where none is added.

    Parameters
    ----------
    file
        An NWB file in memory.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._module: Any = None
        self._segmentation: Any = None
        self._planes: dict[tuple[str, str], Any] = {}
        self._tables: dict[str, Any] = {}

    def add(self, owner: str, stored: str, trace: xarray.DataArray, series: dict[str, Any]) -> None:
        """Add a series of regions.

        Parameters
        ----------
        owner, stored
            The population, and the name under which the series is kept.
        trace
            Dims (trial, time, neuron); its attributes ``indicator`` and ``location`` are told of, where it has them.
        series
            The data, their times, unit and description, as `pynwb.TimeSeries` takes them.
        """
        ophys = extra("pynwb.ophys", PURPOSE)
        if self._module is None:
            self._module = self._file.create_processing_module(name=MODULE, description="Fluorescence of regions.")
            self._segmentation = ophys.ImageSegmentation()
            self._module.add(self._segmentation)
        table = self._regions(owner, trace)
        rows = table.create_roi_table_region(
            region=list(range(trace.shape[2])), description=f"the regions of {owner}, in the order of its neurons"
        )
        name = INTERFACES[trace.attrs["modality"]]
        if name not in self._module.data_interfaces:
            self._module.add(getattr(ophys, name)())
        interface = self._module[name]
        interface.add_roi_response_series(ophys.RoiResponseSeries(name=stored, rois=rows, **series))

    def _regions(self, owner: str, trace: xarray.DataArray) -> Any:
        """Return the table of regions of a population: one for all its series."""
        if owner not in self._tables:
            common, ophys = extra("hdmf.common", PURPOSE), extra("pynwb.ophys", PURPOSE)
            numbers = trace[trace.dims[2]].values
            mask = common.VectorData(
                name="pixel_mask",
                description="Not known: one pixel of weight 0 for each region.",
                data=np.zeros(numbers.size, dtype=_PIXELS),
            )
            ends = np.arange(1, numbers.size + 1, dtype=np.uint64)
            columns = [
                mask,
                common.VectorIndex(name="pixel_mask_index", data=ends, target=mask),
                common.VectorData(name="neuron", description="number in the population", data=np.asarray(numbers)),
            ]
            self._tables[owner] = ophys.PlaneSegmentation(
                name=f"regions of {owner}".replace("/", "__").replace(":", "_"),
                description=f"The neurons of {owner}; where they lie in the image is not known.",
                imaging_plane=self._plane(trace),
                id=np.arange(numbers.size),
                columns=columns,
                colnames=["pixel_mask", "neuron"],
            )
            self._segmentation.add_plane_segmentation(self._tables[owner])
        return self._tables[owner]

    def _plane(self, trace: xarray.DataArray) -> Any:
        ophys = extra("pynwb.ophys", PURPOSE)
        said = tuple(str(trace.attrs.get(name, _UNKNOWN)) for name in ("indicator", "location"))
        place = (said[0], said[1])
        if place not in self._planes:
            if "microscope" not in self._file.devices:
                self._file.create_device(name="microscope", description="Not stated.")
            channel = ophys.OpticalChannel(name="channel", description="Not stated.", emission_lambda=float("nan"))
            number = f" {len(self._planes) + 1}" if self._planes else ""
            self._planes[place] = self._file.create_imaging_plane(
                name=f"plane{number}", optical_channel=channel, description="Not stated.",
                device=self._file.devices["microscope"], excitation_lambda=float("nan"), indicator=place[0],
                location=place[1],
            )  # fmt: skip
        return self._planes[place]
