"""Speckle: complex Gaussian scatterers through a separable point-spread function.

Fields are (height, width, 2) float32, the in-phase and quadrature parts of the echo, of unit mean power. Two channels
instead of a complex type, because OpenCV filters and warps them as they are.
"""

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]

_FWHM_TO_SIGMA = 1.0 / 2.3548


def both(level: npt.NDArray[np.floating]) -> Field:
    """Return a level for both parts of the echo, (..., 2): numpy runs through whole rows of it at once."""
    return np.repeat(np.asarray(level, dtype=np.float32)[..., None], 2, axis=-1)


def smooth_noise(rng: np.random.Generator, height: int, width: int, sigma_y: float, sigma_x: float) -> Field:
    """Return Gaussian noise smoothed to the given sigmas (pixels), (height, width), zero mean and unit variance."""
    noise = rng.standard_normal((height, width), dtype=np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), sigmaX=max(sigma_x, 1e-3), sigmaY=max(sigma_y, 1e-3))
    return np.asarray((noise - noise.mean()) / (noise.std() + 1e-9), dtype=np.float32)


def smooth_curve(rng: np.random.Generator, length: int, sigma: float) -> npt.NDArray[np.float32]:
    """Return a smooth random curve of `length` samples, zero mean and unit variance."""
    return smooth_noise(rng, 1, length + 2 * int(3 * sigma), 1e-3, sigma)[0, int(3 * sigma) :][:length].copy()


class SpecklePool:
    """A large field of speckle that smaller fields are cut from, which is far cheaper than making new ones.

    Parameters
    ----------
    rng
        Source of randomness.
    height, width
        Largest field that will be asked for, in pixels.
    axial_px, lateral_px
        Full width at half maximum of the point-spread function, in pixels.
    """

    def __init__(self, rng: np.random.Generator, height: int, width: int, axial_px: float, lateral_px: float) -> None:
        self._rng = rng
        self._sigma = (max(axial_px * _FWHM_TO_SIGMA, 0.55), max(lateral_px * _FWHM_TO_SIGMA, 0.7))
        noise = rng.standard_normal((2 * height + 32, 2 * width + 64, 2), dtype=np.float32)
        pool = cv2.GaussianBlur(noise, (0, 0), sigmaX=self._sigma[1], sigmaY=self._sigma[0])
        self._pool: Field = np.asarray(pool / np.sqrt(2.0 * np.mean(pool**2)), dtype=np.float32)

    def draw(self, height: int, width: int) -> Field:
        """Return a field of speckle, (height, width, 2), a view that must not be written to."""
        y = int(self._rng.integers(0, self._pool.shape[0] - height + 1))
        x = int(self._rng.integers(0, self._pool.shape[1] - width + 1))
        cut = self._pool[y : y + height, x : x + width]
        # upside down only: a view that runs backwards along a row would be slow to read
        return cut[::-1] if self._rng.integers(0, 2) else cut

    def scatter(self, amplitude: npt.NDArray[np.float32]) -> Field:
        """Return the echo of scatterers whose strength is `amplitude` (height, width): speckle of that local level."""
        return np.asarray(self.draw(*amplitude.shape) * both(amplitude), dtype=np.float32)


class Renewal:
    """Speckle that replaces itself little by little: f(t) = a f(t-1) + sqrt(1 - a^2) e(t), with e fresh speckle."""

    def __init__(self, pool: SpecklePool, height: int, width: int) -> None:
        self._pool = pool
        self.field: Field = pool.draw(height, width).copy()

    def step(self, kept: npt.NDArray[np.float32] | float) -> Field:
        """Advance by one frame; `kept` is a, one number or one for each column. Returns the field, valid until the
        next step.
        """
        a = np.asarray(kept, dtype=np.float32)
        if float(a.min()) > 0.99999:
            return self.field
        fresh = np.sqrt(np.maximum(1.0 - a * a, 0.0))
        if a.ndim == 1:
            a, fresh = both(a)[None], both(fresh)[None]
        self.field *= a
        self.field += fresh * self._pool.draw(*self.field.shape[:2])
        return self.field
