"""Which recordings there are, where they come from, and under which licence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from neurosim.datasets.downloads import Published
from neurosim.errors import CircuitError, nearest

_GITHUB = "https://raw.githubusercontent.com"
_HERE = "neurosim.datasets.recordings"


@dataclass(frozen=True)
class RecordingSet:
    """What is known of a recording without reading it.

    Parameters
    ----------
    name
        What it is called.
    summary
        One line.
    form
        In which form it is published.
    licence, citation
        Of the data; every recording that is loaded carries them.
    source
        Where it is published.
    module
        Who reads it: a module with ``read(folder, **options)`` and ``draw(folder)``, which writes a small one of our
        own making in the same form.
    files
        The published files; empty where no checksum of them is known, and they are not fetched.
    needs
        Names of files that `read` looks for, if they are not those of `files`.
    fetch
        The command that fetches them by hand, where `files` is empty.
    options
        What `read` is told of this set, where several share a module.
    """

    name: str
    summary: str
    form: str
    licence: str
    citation: str
    source: str
    module: str
    files: tuple[Published, ...] = ()
    needs: tuple[str, ...] = ()
    fetch: str = ""

    def function(self, name: str) -> Callable[..., Any]:
        """Import the module and return its ``read`` or ``draw``."""
        function: Callable[..., Any] = getattr(import_module(self.module), name)
        return function

    @property
    def wanted(self) -> tuple[str, ...]:
        """Names of the files that are read."""
        return self.needs or tuple(file.name for file in self.files)


def names() -> tuple[str, ...]:
    """Return the names of all recordings."""
    return tuple(one.name for one in _SETS)


def describe(name: str) -> RecordingSet:
    """Return what is known of a recording.

    Raises
    ------
    CircuitError
        If there is none of that name; the error names the nearest.
    """
    for one in _SETS:
        if one.name == name:
            return one
    raise CircuitError(f"There is no recording {name!r}.{nearest(str(name), names())}")


def _github(repository: str, commit: str, checksums: dict[str, str]) -> tuple[Published, ...]:
    return tuple(
        Published(f"{_GITHUB}/{repository}/{commit}/{path}", f"sha256:{digest}") for path, digest in checksums.items()
    )


_SPYKES = ("KordingLab/spykesML", "ff2b1830ae07909e5f1a0811445ca3fd5732dc6f")
_PYNAPPLE = ("pynapple-org/pynapple", "7ac20f7a5232785e926c0bd8745093281e1f65fb")
_NITIME = ("nipy/nitime", "7f117d6171e00755130fd2772e298477498eca87")
_EFEL = ("BlueBrain/BluePyEfe", "11a1e0c59e2541362e22279f6c78edbff44db975")
_SHIU = ("philshiu/Drosophila_brain_model", "91bdd1e7dcf193f3e7ca5a8933497fcef63b7960")
_BENJAMIN = (
    "Benjamin AS et al. (2018) Modern machine learning as a benchmark for fitting neural responses. "
    "Front Comput Neurosci 12:56"
)

# A new recording is one entry here, and a module with `read` and `draw`.
_SETS: tuple[RecordingSet, ...] = (
    RecordingSet(
        "celegans-calcium",
        "whole-brain calcium imaging of 919 worms from 12 laboratories in one form (source_dataset=, worm=)",
        "parquet, a row for each neuron of a worm",
        "MIT (as its publishers say); cite the primary source of each worm, named in source_dataset",
        "Simeon Q et al. (2024) Homogenized C. elegans neural activity and connectivity data. arXiv:2411.12091",
        "huggingface.co/datasets/qsimeon/celegans_neural_data",
        f"{_HERE}.worm_calcium",
        needs=("worm_data_short.parquet",),
        fetch="hf download qsimeon/celegans_neural_data worm_data_short.parquet --repo-type dataset --local-dir FOLDER",
    ),
    RecordingSet(
        "cortex-patch",
        "one cortical neuron, whole-cell: voltage at five current steps of 2 s",
        "Igor binary waves",
        "BSD-3-Clause (examples and tests of BluePyEfe)",
        "BluePyEfe, github.com/BlueBrain/BluePyEfe, tests/exp_data/B6; species and area are not stated",
        f"github.com/{_EFEL[0]}",
        f"{_HERE}.patch_clamp",
        _github(
            *_EFEL,
            {
                f"tests/exp_data/B6/B6_Ch{channel}_IDRest_{sweep}.ibw": digest
                for (channel, sweep), digest in {
                    (0, 181): "b070ee18e65c7cf8e9dc6af95483847e39b8af5677a8d5e1f626916ccce3abe4",
                    (0, 182): "69226d1ae905c39dc7d92f33fb34f79886b13a31d66893c99f9ae55db1183436",
                    (0, 183): "0a086841f5baffe5c8cc8c695231f878704bb547bb8071a181f667cf0ce8c964",
                    (0, 184): "a7385d62bf7555b810e01d752fab765a84324eb6a86f50d146e261a979dd66ca",
                    (0, 185): "488ae31e8ed54b4f554dd54c144910d785916692780deb268770bd917044816e",
                    (3, 181): "0644c485239822c9a697288b3d3e5384d013deaa936fc5b2b2e3612f324d0752",
                    (3, 182): "ebe4aaf7e290cf460320108d4455917f9a212f2c2e43a5fcb09ed4a24e7af666",
                    (3, 183): "971d4674d88ea8b38089fde4eb6abb2d96d0cdc08f52cc7211b549526c2dc4d4",
                    (3, 184): "e45c081b25716a27ae44acbdf8b92251b201a5d321d04abf06186acf8021e900",
                    (3, 185): "53e978b161b79299018a65547496363e4001ab2c61de3d4c2fd498dcb63bc0ae",
                }.items()
            },
        ),
    ),
    RecordingSet(
        "fly-sugar-response",
        "spikes of the published model of a fly's brain when it tastes sugar: 30 trials of 1 s (rate=200 or 100)",
        "parquet, a row for each spike",
        "MIT (code and output); FlyWire connectome data: CC BY 4.0",
        "Shiu PK et al. (2024) A Drosophila computational brain model reveals sensorimotor processing. Nature 634:210; "
        "Dorkenwald S et al. (2024) Neuronal wiring diagram of an adult brain. Nature 634:124",
        f"github.com/{_SHIU[0]}",
        f"{_HERE}.fly_response",
        _github(
            *_SHIU,
            {
                "results/example/sugarR.parquet": "83921d50089d966785e402d6c0e3be5ab3eba5beb680410a09c557b0f22dcc28",
                "results/example/sugarR_100Hz.parquet": (
                    "93722ec03c3faa5a85790d77ed16bdd7f1e38a7c847ed0bc3af3dc2e4d0c3d34"
                ),
            },
        ),
    ),
    RecordingSet(
        "grasshopper-receptor",
        "an auditory receptor of Locusta migratoria hearing 10 s of amplitude-modulated noise (recording=1 or 2)",
        "text, times in microseconds",
        "BSD-3-Clause (nitime)",
        "Rokem A et al. (2006) Spike-timing precision underlies the coding efficiency of auditory receptor neurons. "
        "J Neurophysiol 95:2541",
        f"github.com/{_NITIME[0]}",
        f"{_HERE}.grasshopper",
        _github(
            *_NITIME,
            {
                f"nitime/data/grasshopper_{name}.txt": digest
                for name, digest in {
                    "spike_times1": "840014ad9a8f591d02ab108bcbd46715badb3459e0ef7eac95fdd661ff134e3d",
                    "spike_times2": "389e5dccb709fbe0552589ff2e0b64e15d46665e4d2d4172071f2175c8641541",
                    "stimulus1": "4b47a4cbca8c5f694f87dd510db608a868dffbaba96845199c8afa545a4c37fa",
                    "stimulus2": "69f257a8e7a5019897111b07f9cd317b136357d256e99682d40c09d5add18e6a",
                }.items()
            },
        ),
    ),
    RecordingSet(
        "macaque-m1-reaching",
        "171 units of motor cortex while a monkey reaches, counted in 50 ms for 777 s, with the hand",
        "MATLAB 5",
        "MIT (spykesML); the recording was first released through CRCNS and DREAM",
        "Stevenson IH et al. (2011) Statistical assessment of the stability of neural movement representations. "
        f"J Neurophysiol 106:764; {_BENJAMIN}",
        f"github.com/{_SPYKES[0]}",
        f"{_HERE}.macaque_m1",
        _github(
            *_SPYKES,
            {"data/m1_stevenson_2011.mat": "cb1af830e34f5094e5c542ad4adfaca66dea05514680940016173b35fa6aad94"},
        ),
    ),
    RecordingSet(
        "macaque-s1-reaching",
        "52 units of somatosensory cortex while a monkey reaches, counted in 50 ms for 1756 s, with the hand",
        "MATLAB 5",
        "MIT (spykesML)",
        _BENJAMIN,
        f"github.com/{_SPYKES[0]}",
        f"{_HERE}.macaque_s1",
        _github(*_SPYKES, {"data/s1_data.mat": "f6bbe27135636b944e0b715778dadae41dccf043c26cb880d0191665ca9e7dde"}),
    ),
    RecordingSet(
        "mouse-calcium",
        "219 regions of a two-photon movie, 2000 frames: fluorescence and what suite2p deconvolves",
        "suite2p",
        "MIT (pynapple)",
        "Viejo G et al. (2023) Pynapple, a toolbox for data analysis in neuroscience. eLife 12:RP85786",
        f"github.com/{_PYNAPPLE[0]}",
        f"{_HERE}.mouse_calcium",
        _github(
            *_PYNAPPLE,
            {
                f"tests/nwbfilestest/suite2p/suite2p/plane0/{name}.npy": digest
                for name, digest in {
                    "F": "98b6facdb1cb24138f0677eb62c090d0c9252ba2c3c0bf3f6f51c2debfcd9625",
                    "spks": "d300e5974c9a46516a8a40d36eaa8a663e55376e69edcc560d6642a2e03f7f84",
                    "iscell": "cc109d5fffd172d3d9f39fdc077bf50df744eecc63223438e1f5caf41d780faf",
                }.items()
            },
        ),
    ),
    RecordingSet(
        "mouse-postsubiculum",
        "three units of the postsubiculum of a waking mouse, 1088 s",
        "NWB 2",
        "MIT (pynapple)",
        "Viejo G et al. (2023) Pynapple, a toolbox for data analysis in neuroscience. eLife 12:RP85786",
        f"github.com/{_PYNAPPLE[0]}",
        f"{_HERE}.mouse_postsubiculum",
        _github(
            *_PYNAPPLE,
            {
                "tests/nwbfilestest/phy/pynapplenwb/A8604-211122.nwb": (
                    "6c9913f1a36c43dc627a541f4e521eb17e305879eb4d9bce949f77970994ac22"
                )
            },
        ),
    ),
)
