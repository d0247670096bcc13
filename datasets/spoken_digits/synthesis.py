"""Words as sounds: espeak-ng is run as a program; what it says is trimmed, brought to 48 kHz and roughened a little.

The same arguments give the same bytes with the same version of espeak-ng. It is free software (GPL-3) that runs beside
neurosim; nothing of it is part of neurosim.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from functools import lru_cache

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from neurosim.datasets.spoken_digits.words import Utterance
from neurosim.errors import BackendError, FileFormatError
from neurosim.random import Stream

Floats = NDArray[np.float64]

#: Samples a second of the sounds that are returned, the rate at which the Heidelberg digits were recorded.
RATE = 48_000

_SPOKEN_RATE = 22_050  # of espeak-ng's formant voices
_SILENT = 0.005  # relative to the peak: the word begins and ends where it is louder
_NOISE = 1e-4  # standard deviation, relative to the peak
_PATIENCE = 30  # seconds


def espeak() -> str:
    """Return the path of espeak-ng.

    Raises
    ------
    BackendError
        If it is not installed; the message says how to install it.
    """
    path = shutil.which("espeak-ng")
    if path is None:
        raise BackendError(
            "Spoken digits are synthesised by espeak-ng, which is not installed: apt-get install espeak-ng (Debian, "
            "Ubuntu), brew install espeak-ng (macOS). Without it, sample=True loads the small set that comes along."
        )
    return path


def espeak_version() -> str:
    """Return the version of espeak-ng, for instance ``"1.51"``."""
    return _version(espeak())


@lru_cache(maxsize=8)
def _version(path: str) -> str:
    answer = subprocess.run([path, "--version"], capture_output=True, text=True, check=True, timeout=_PATIENCE).stdout
    return answer.partition(":")[2].split()[0]


def say(utterance: Utterance) -> bytes:
    """Run espeak-ng and return the samples it says: 16 bit, 22,050 Hz, one channel.

    Raises
    ------
    BackendError
        If espeak-ng is missing, fails, or does not know the voice.
    """
    command = utterance.command()
    done = subprocess.run([espeak(), *command[1:]], capture_output=True, check=False, timeout=_PATIENCE)
    if done.returncode or done.stderr:
        told = done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}"
        raise BackendError(f"{' '.join(command)}: {told}. Version 1.51 of espeak-ng has the voices that are asked for.")
    return _samples(done.stdout, " ".join(command))


def _samples(wave: bytes, where: str) -> bytes:
    """Return the samples of a WAV stream, whose lengths espeak-ng cannot know when it writes the header."""
    if wave[:4] != b"RIFF" or wave[8:12] != b"WAVE":
        raise FileFormatError(f"{where}: espeak-ng gave no WAV data.")
    at, rate, layout = 12, 0, (0, 0)
    while at + 8 <= len(wave):
        name, (size,) = wave[at : at + 4], struct.unpack_from("<I", wave, at + 4)
        if name == b"fmt ":
            _, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", wave, at + 8)
            layout = channels, bits
        if name == b"data":
            if (rate, *layout) != (_SPOKEN_RATE, 1, 16):
                raise FileFormatError(f"{where}: {rate} Hz, {layout} instead of {_SPOKEN_RATE} Hz, 1 channel, 16 bit.")
            body = wave[at + 8 : at + 8 + size]
            return body[: len(body) // 2 * 2]
        at += 8 + size + size % 2
    raise FileFormatError(f"{where}: the WAV data hold no samples.")


def synthesise(utterance: Utterance, seed: int) -> Floats:
    """Return a word as a sound of peak 1 (before the noise) at 48 kHz; shape (sample,).

    Parameters
    ----------
    utterance
        What to say.
    seed
        Of the noise, whose stream belongs to the utterance.

    Raises
    ------
    BackendError
        If espeak-ng is missing, fails, or does not know the voice.
    FileFormatError
        If it says nothing.
    """
    return prepared(say(utterance), seed, utterance.number, " ".join(utterance.command()))


def prepared(samples: bytes, seed: int, number: int, where: str) -> Floats:
    """Trim samples of 16 bit at 22,050 Hz, scale them to a peak of 1, resample to 48 kHz, add weak noise."""
    sound = np.frombuffer(samples, dtype="<i2").astype(np.float64)
    if not sound.any():
        raise FileFormatError(f"{where}: espeak-ng said nothing.")
    sound /= np.abs(sound).max()
    loud = np.flatnonzero(np.abs(sound) > _SILENT)
    up, down = RATE // np.gcd(RATE, _SPOKEN_RATE), _SPOKEN_RATE // np.gcd(RATE, _SPOKEN_RATE)
    resampled: Floats = scipy.signal.resample_poly(sound[loud[0] : loud[-1] + 1], up, down)
    return resampled + _NOISE * Stream(seed, f"spoken_digits/noise{number}").normal(resampled.size)
