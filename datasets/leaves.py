"""Pictures of leaves that cover each other: what natural images have in common, without any being of something.

Discs of random size and brightness fall on one another until nothing shows between them. Where the number of discs goes
with the inverse cube of their radius, the pictures look alike at every scale, as natural ones do: their amplitudes fall
with frequency, and they consist of areas with sharp edges, which textures of random phase lack. That is what makes
sparse codes of them short.

References
----------
A. B. Lee, D. Mumford, J. Huang: Occlusion models for natural images. Int. J. Comput. Vis. 41:35 (2001).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import CircuitError
from neurosim.random import Stream

Floats = NDArray[np.float64]

#: Discs that are drawn at once, and at most. Specks that are bare after so many take the brightness of the last one.
_AT_ONCE, _MOST = 1000, 200_000
#: Bare pixels from which on it is quicker to look for the disc of each than for the pixels of a disc.
_FEW = 2000


def dead_leaves(
    n_images: int = 1,
    size: int = 128,
    *,
    radii: tuple[float, float] = (1.0, 32.0),
    exponent: float = 3.0,
    seed: int = 0,
) -> Floats:
    """Draw pictures.

    Parameters
    ----------
    n_images
        How many.
    size
        Of the square, in pixels.
    radii
        The smallest and the largest radius, in pixels.
    exponent
        Of the density of radii, which falls with this power; 3 looks alike at every scale.
    seed
        Of the draw.

    Returns
    -------
    numpy.ndarray, shape (image, y, x)
        From 0 to 1.

    Raises
    ------
    CircuitError
        If a number is out of range.

    Examples
    --------
    >>> dead_leaves(2, 32).shape
    (2, 32, 32)
    """
    small, large = radii
    if n_images < 1 or size < 1 or not 0 < small < large or not exponent > 1:
        raise CircuitError(
            f"dead_leaves: n_images={n_images}, size={size} and radii={radii} must be positive, the radii rising, and "
            f"exponent={exponent} above 1."
        )
    stream = Stream(seed, "leaves")
    return np.stack([_picture(stream.child(str(number)), size, small, large, exponent) for number in range(n_images)])


def _picture(stream: Stream, size: int, small: float, large: float, exponent: float) -> Floats:
    """Lay discs from the front to the back: each shows where nothing lies yet."""
    picture, bare = np.zeros((size, size)), np.ones((size, size), dtype=bool)
    power = 1.0 - exponent
    for first in range(0, _MOST, _AT_ONCE):
        draws = stream.uniform(4 * _AT_ONCE, offset=4 * first).reshape(_AT_ONCE, 4)
        radius = (small**power + draws[:, 0] * (large**power - small**power)) ** (1.0 / power)
        centres = draws[:, 1:3] * (size + 2 * large) - large  # those beyond the frame reach into it
        lay = _disc_by_disc if np.count_nonzero(bare) > _FEW else _speck_by_speck
        lay(picture, bare, centres, radius, draws[:, 3])
        if not bare.any():
            break
    picture[bare] = draws[-1, 3]
    return picture


def _disc_by_disc(
    picture: Floats, bare: NDArray[np.bool_], centres: Floats, radius: Floats, brightness: Floats
) -> None:
    size = len(picture)
    for (y, x), r, light in zip(centres, radius, brightness, strict=True):
        top, left = max(int(np.ceil(y - r)), 0), max(int(np.ceil(x - r)), 0)
        bottom, right = min(int(np.floor(y + r)) + 1, size), min(int(np.floor(x + r)) + 1, size)
        if top >= bottom or left >= right:
            continue
        window = (slice(top, bottom), slice(left, right))
        inside = (np.arange(top, bottom)[:, None] - y) ** 2 + (np.arange(left, right)[None, :] - x) ** 2 <= r * r
        shown = inside & bare[window]
        picture[window][shown] = light
        bare[window] &= ~inside


def _speck_by_speck(
    picture: Floats, bare: NDArray[np.bool_], centres: Floats, radius: Floats, brightness: Floats
) -> None:
    """Do the same for all discs at once, where few pixels are left."""
    y, x = np.nonzero(bare)
    inside = (y - centres[:, :1]) ** 2 + (x - centres[:, 1:]) ** 2 <= (radius * radius)[:, None]
    covered = inside.any(axis=0)
    picture[y[covered], x[covered]] = brightness[inside.argmax(axis=0)[covered]]
    bare[y[covered], x[covered]] = False
