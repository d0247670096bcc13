"""Fetching published files: only when asked, never offline, and only what has the published checksum."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurosim.cache_folder import cache_folder
from neurosim.datasets.cache import staged
from neurosim.datasets.extras import extra
from neurosim.errors import FileFormatError

#: Set to 1, nothing is downloaded whatever an argument says.
OFFLINE = "NEUROSIM_OFFLINE"


@dataclass(frozen=True)
class Published:
    """A file that someone publishes.

    Parameters
    ----------
    url
        Where.
    checksum
        ``"md5:..."`` or ``"sha256:..."``.
    """

    url: str
    checksum: str

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.url.rpartition("/")[2]


def is_offline() -> bool:
    """Tell whether NEUROSIM_OFFLINE forbids downloads."""
    return os.environ.get(OFFLINE, "").strip().lower() not in ("", "0", "false", "no")


def fetched(file: Published, folder: Path, *, download: bool, what: str, downloader: Any = None) -> Path:
    """Return the path of a published file, fetched if it is not there and that is allowed.

    Parameters
    ----------
    file
        What is wanted.
    folder
        Where it is, or goes.
    download
        Whether to fetch it if it is not there.
    what
        What needs it, for the error.
    downloader
        As for ``pooch.retrieve``.

    Raises
    ------
    FileFormatError
        If it is not there and may not be fetched, cannot be, or has another checksum than the published one. Then no
        file is left.
    """
    path = folder / file.name
    if path.exists():
        return path
    if not download or is_offline():
        forbidden = f"{OFFLINE} is set" if is_offline() else "nothing is downloaded without download=True"
        raise FileFormatError(
            f"{what}: {path} is not there, and {forbidden}. It comes from {file.url} ({file.checksum})."
        )
    pooch = extra("pooch", f"Downloading {file.name}")
    with staged(path) as partial:
        try:
            pooch.retrieve(
                file.url,
                file.checksum,
                fname=partial.name,
                path=partial.parent,
                progressbar=False,
                downloader=downloader,
            )
        except (OSError, ValueError) as error:  # requests' errors are OSErrors; a wrong checksum is a ValueError
            raise FileFormatError(
                f"{what}: {file.url} could not be fetched, or is not what was published: {error}"
            ) from None
    return path


def unpacked_zip(archive: Path, member: str, target: Path) -> Path:
    """Unpack one file of a zip archive; it appears whole or not at all.

    Raises
    ------
    FileFormatError
        If the archive is damaged, or has no such file.
    """
    try:
        with zipfile.ZipFile(archive) as opened, staged(target) as partial:
            inside = next((name for name in opened.namelist() if name.rpartition("/")[2] == member), None)
            if inside is None:
                raise FileFormatError(f"{archive}: holds no {member}, only {', '.join(opened.namelist()[:5])}.")
            with opened.open(inside) as source, partial.open("wb") as sink:
                shutil.copyfileobj(source, sink)
    except zipfile.BadZipFile as error:
        raise FileFormatError(f"{archive}: is no whole zip archive ({error}); delete it and fetch it again.") from None
    return target


def first_folder(name: str, folder: str | Path | None, has: Callable[[Path], bool]) -> Path:
    """Return the folder of a data set: the given one or that in the cache, or where in it the files lie.

    Parameters
    ----------
    name
        Of the data set, which is that of its folder in the cache.
    folder
        What the user gave.
    has
        Tells whether a folder holds what is looked for; folders called `name` or like it in capitals are looked into.
    """
    base = cache_folder() / name if folder is None else Path(folder).expanduser()
    return next((place for place in (base, base / name, base / name.upper()) if has(place)), base)
