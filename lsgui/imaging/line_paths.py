"""Paths across a straightened picture that gather the most energy."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

STEEPEST = 3
"""Rows that a line may climb per column: about 60°."""
CLIMB_COST = 0.15
"""Cost of each row of climb, in units of the picture's strong lines."""
NOTHING = -0.3
"""Energy of a cell that is no line."""


def best_paths(energies: Floats) -> Ints:
    """Return the rows of the paths from the first column to the last that gather the most energy, (N, A) int64.

    Dynamic programming over the columns of (N, D, A) float32, all N at once.
    """
    used = np.flatnonzero((energies > NOTHING).any(axis=(0, 2)))
    top, bottom = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, energies.shape[1])
    energies = energies[:, top:bottom]
    number, rows, columns = energies.shape
    by_column = np.ascontiguousarray(np.moveaxis(energies, 2, 0))
    came = np.zeros((columns, number, rows), dtype=np.int8)
    total = by_column[0].copy()
    padded = np.full((number, rows + 2 * STEEPEST), -np.inf, dtype=np.float32)
    for column in range(1, columns):
        padded[:, STEEPEST:-STEEPEST] = total
        best = total.copy()
        for step in range(-STEEPEST, STEEPEST + 1):
            reached = padded[:, STEEPEST + step : STEEPEST + step + rows] - CLIMB_COST * abs(step)
            better = reached > best
            best[better] = reached[better]
            came[column][better] = step
        total = best + by_column[column]
    paths = np.empty((number, columns), dtype=np.int64)
    paths[:, -1] = total.argmax(axis=1)
    every = np.arange(number)
    for column in range(columns - 1, 0, -1):
        paths[:, column - 1] = paths[:, column] + came[column, every, paths[:, column]]
    return paths + top
