"""Handwritten digits of 8 x 8 pixels, 1,797 of them, from scikit-learn, which brings them along.

References
----------
E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits. UCI Machine Learning Repository (1998),
doi:10.24432/C50P49, licence CC BY 4.0; the test set of it, as scikit-learn holds it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import BackendError
from neurosim.extras import optional


@dataclass(frozen=True, eq=False)
class DigitImages:
    """Images and what they show.

    Parameters
    ----------
    images
        Shape (image, 8, 8): ink from -1 (none) to 1, less the mean of all images and pixels.
    labels
        Shape (image,): the digit.
    """

    images: NDArray[np.float64]
    labels: NDArray[np.int64]
    licence: str = "CC BY 4.0"
    citation: str = "E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits, UCI (1998), doi:10.24432/C50P49"

    def chosen(self, which: NDArray[np.int64]) -> DigitImages:
        """Return some of them."""
        return DigitImages(self.images[which], self.labels[which])


def load_digit_images() -> DigitImages:
    """Return all digits.

    Raises
    ------
    BackendError
        If scikit-learn is not installed.
    """
    sets = optional("sklearn.datasets", "digit images", extra="analysis", error=BackendError, package="scikit-learn")
    found = sets.load_digits()
    images = np.asarray(found.images, dtype=np.float64) / 8 - 1
    return DigitImages(images - images.mean(), np.asarray(found.target, dtype=np.int64))
