"""Windows of labelled clips, as networks on whole pictures take them: prepared once, drawn anew in every epoch."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lsgui.core.errors import DatasetError, LsguiError
from lsgui.models.preprocess import (
    ClipInput,
    ClipStack,
    flow_patch_corners,
    normalise,
    take_window,
    window_starts,
)
from lsgui.simulation.edited_clip import ClipEdit
from lsgui.training.data.array_cache import ArrayCache, Arrays
from lsgui.training.data.augment import Draw, apply_to_flow, augment_window, draw
from lsgui.training.data.dataset_rows import DatasetRow, edited_rows
from lsgui.training.data.stack_making import Made, make_all, make_tasks, plain, stack_key

Window = npt.NDArray[np.float32]
FlowMaker = Callable[[Window, int], Window]
"""(N, T, S, S) grey values 0..255 and the step to (N, T - step, 2, S, S) flow in pixels: RAFT, frozen."""

Report = Callable[[int, int], None]
"""Called with (clips done, clips to do)."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sample lies: its row, its first moment in the row's stack, and which square; None: drawn anew."""

    row: int
    start: int | None = None
    square: int | None = None


class ClipSamples:
    """Samples of labelled clips.

    Training asks for one window a row and epoch, at a random start (`every_window` False); validation and test for
    all windows and squares of a row. What `sample` returns depends on its arguments alone. It may be called from
    several threads. A `torch.utils.data.DataLoader` can take it as it is: `samples[i]` or `samples[i, epoch_seed]`.

    Parameters
    ----------
    rows
        What to sample. A clip that cannot be read, or on which no pleural line is found though the input needs one, is
        listed in `skipped` and left out.
    spec
        The network's input.
    cache_dir
        Where prepared clips and flow are kept between runs; None: in memory only.
    edits
        Kinds of edits (`lsgui.simulation.edited_clip`) that are made of every real sliding row and added: source
        "edited", same patient.
    every_window
        All windows, `step` moments apart, in place of one drawn a row.
    step
        Moments between windows; None: half a window.
    flow, flow_name
        What computes the flow of kind "flow", and its name (with the hash of its weights): part of the cache's key.
    jobs
        Processes that read and prepare clips.
    report
        Called after each clip that had to be prepared.
    augment
        Whether `samples[i, epoch_seed]` augments.
    odds
        Probability of each augmentation.

    Raises
    ------
    DatasetError
        When no clip can be used, or an edit is unknown.
    """

    def __init__(
        self,
        rows: Sequence[DatasetRow],
        spec: ClipInput,
        cache_dir: Path | None = None,
        *,
        edits: Sequence[ClipEdit] = (),
        every_window: bool = False,
        step: int | None = None,
        flow: FlowMaker | None = None,
        flow_name: str = "",
        jobs: int = 1,
        report: Report | None = None,
        augment: bool = False,
        odds: float = 0.5,
        memory_bytes: int = 1 << 31,
    ) -> None:
        if spec.kind == "flow" and flow is None:
            raise ValueError("samples of flow need something that computes flow")
        self.spec = spec
        self._flow, self._flow_name, self._augment, self._odds = flow, flow_name, augment, odds
        self._cache = ArrayCache(cache_dir, memory_bytes)
        self._step = max(spec.frames // 2, 1) if step is None else step
        self.rows, self._keys, self.skipped = self._prepared(edited_rows(rows, edits), jobs, report)
        self._places = tuple(place for index in range(len(self.rows)) for place in self._places_of(index, every_window))

    def _prepared(
        self, rows: Sequence[DatasetRow], jobs: int, report: Report | None
    ) -> tuple[tuple[DatasetRow, ...], tuple[str, ...], tuple[tuple[DatasetRow, str], ...]]:
        """Make the stacks that are not there yet; return rows that can be used, their keys, and what cannot and why."""
        keys: dict[int, str] = {}
        faults: dict[str, str] = {}
        for index, row in enumerate(rows):
            try:
                keys[index] = stack_key(row, self.spec)
            except LsguiError as fault:
                faults[keys.setdefault(index, f"unreadable {index}")] = str(fault)
        lacking = [
            (keys[k], row) for k, row in enumerate(rows) if keys[k] not in faults and not self._cache.has(keys[k])
        ]
        tasks = make_tasks(lacking, self.spec)
        for done, made in enumerate(make_all(tasks, jobs), start=1):
            for one in made:
                self._take(one, faults)
            if report is not None:
                report(done, len(tasks))
        good = [index for index in range(len(rows)) if keys[index] not in faults]
        skipped = tuple((row, faults[keys[k]]) for k, row in enumerate(rows) if keys[k] in faults)
        if not good:
            raise DatasetError(skipped[0][1] if skipped else "There are no clips to sample: the set is empty.")
        for sentence in dict.fromkeys(sentence for _, sentence in skipped):
            _log.warning("left out: %s", sentence)
        return tuple(rows[k] for k in good), tuple(keys[k] for k in good), skipped

    def _take(self, made: Made, faults: dict[str, str]) -> None:
        if made.stack is None:
            faults[made.key] = made.fault
        else:
            self._cache.put(made.key, _arrays(made.stack))

    def _places_of(self, row: int, every_window: bool) -> list[Place]:
        if not every_window:
            return [Place(row)]
        stack = self.stack(row)
        starts = window_starts(stack.frames.shape[1], self.spec.frames, self._step)
        return [Place(row, int(start), square) for start in starts for square in range(self._squares(stack))]

    def _squares(self, stack: ClipStack) -> int:
        """Return how many squares a window has: patches of the picture, or of the flow."""
        if self.spec.kind == "flow" and self.spec.patch is not None:
            return len(flow_patch_corners(stack, self.spec))
        return int(stack.frames.shape[0])

    def __len__(self) -> int:
        return len(self._places)

    @property
    def places(self) -> tuple[Place, ...]:
        """Where each sample lies."""
        return self._places

    def row_of(self, index: int) -> DatasetRow:
        """Return the row that a sample comes from."""
        return self.rows[self._places[index].row]

    @property
    def labels(self) -> tuple[DatasetRow, ...]:
        """The row of every sample: what `balanced_epoch` picks from."""
        return tuple(self.rows[place.row] for place in self._places)

    def stack(self, row: int) -> ClipStack:
        """Return the prepared pictures of a row; made anew where the cache lost them."""
        key = self._keys[row]
        found = self._cache.get(key)
        if found is None:
            faults: dict[str, str] = {}
            for made in make_all(make_tasks([(key, self.rows[row])], self.spec), 1):
                for one in made:
                    self._take(one, faults)
            found = self._cache.get(key)
            if found is None:
                raise DatasetError(faults.get(key, f"{self.rows[row].name}: the prepared clip is gone."))
        return _stack(found)

    def with_statistics(self, mean: float, std: float) -> "ClipSamples":
        """Return these samples normalised with a training set's numbers, sharing all that is kept."""
        return self.with_spec(replace(self.spec, mean=mean, std=std))

    def with_spec(self, spec: ClipInput) -> "ClipSamples":
        """Return these samples with other numbers of normalisation; the input must be the same but for them."""
        if plain(spec) != plain(self.spec):
            raise ValueError("another input needs samples of its own")
        out = object.__new__(ClipSamples)
        out.__dict__.update(self.__dict__)
        out.spec = spec
        return out

    def sample(self, index: int, epoch_seed: int, augment: bool) -> tuple[Window, float, DatasetRow]:
        """Return one sample.

        Parameters
        ----------
        index
            Which.
        epoch_seed
            Where the random start, square and augmentation come from.
        augment
            Change the window by one draw.

        Returns
        -------
        window
            (T, 1, S, S) float32 normalised; of kind "flow" (T - step, 2, S', S') float32 in pixels.
        absent
            1.0 for ls_a, 0.0 for ls_p.
        row
            Where it comes from.
        """
        place = self._places[index]
        row = self.rows[place.row]
        stack = self.stack(place.row)
        rng = np.random.default_rng((epoch_seed, index))
        start = self._start(stack, rng) if place.start is None else place.start
        square = int(rng.integers(self._squares(stack))) if place.square is None else place.square
        if self.spec.kind == "flow":
            return self._flow_sample(place.row, stack, start, square, rng if augment else None), float(row.absent), row
        window = take_window(_only(stack, square), start, self.spec)
        if augment:
            window = augment_window(window, rng, self._odds)
        return normalise(window, self.spec)[0], float(row.absent), row

    def __getitem__(self, index: int | tuple[int, int]) -> tuple[Window, np.float32, int]:
        """Return window, label and the sample's own number, for a DataLoader."""
        which, seed = index if isinstance(index, tuple) else (index, 0)
        if not 0 <= which < len(self):
            raise IndexError(which)
        window, absent, _ = self.sample(which, seed, self._augment)
        return window, np.float32(absent), which

    def _start(self, stack: ClipStack, rng: np.random.Generator) -> int:
        """Draw a start: any for pictures, one of the windows that evaluation takes for flow, which is dear to make."""
        count = stack.frames.shape[1]
        if self.spec.kind == "flow":
            return int(rng.choice(window_starts(count, self.spec.frames, self._step)))
        return int(rng.integers(max(count - self.spec.frames, 0) + 1))

    def _flow_sample(
        self, row: int, stack: ClipStack, start: int, square: int, rng: np.random.Generator | None
    ) -> Window:
        flow = self.flow_of(row, start)
        drawn = Draw(np.eye(3)[:2]) if rng is None else draw(rng, flow.shape[-2:], self._odds)
        out = apply_to_flow(flow, drawn)
        side = self.spec.patch
        if side is None:
            return out
        corner = flow_patch_corners(stack, self.spec)[square]
        centre = drawn.matrix @ np.append(corner + (side - 1) / 2, 1.0)  # the square goes where its tissue went
        x, y = np.clip(np.round(centre - (side - 1) / 2), 0, self.spec.size - side).astype(int)
        return np.ascontiguousarray(out[:, :, y : y + side, x : x + side])

    def flow_of(self, row: int, start: int) -> Window:
        """Return the flow of the window of a row that begins at `start`, (T - step, 2, S, S) float32, made once."""
        key = self._flow_key(row, start)
        found = self._cache.get(key)
        if found is None:
            return self._keep_flow(key, self._fields(take_window(self.stack(row), start, self.spec)))
        return found["flow"].astype(np.float32)

    def make_flow(self, report: Report | None = None) -> None:
        """Compute the flow of every window that can be asked for, so that epochs only read it.

        Fields that the window before has are taken from there: windows half a window apart cost half.
        """
        counts = [self.stack(row).frames.shape[1] for row in range(len(self.rows))]
        starts = [window_starts(count, self.spec.frames, self._step).tolist() for count in counts]
        done, total = 0, sum(map(len, starts))
        for row, of_row in enumerate(starts):
            last: tuple[int, Window] | None = None
            for start in of_row:
                last = (start, self._flow_after(row, start, last))
                done += 1
                if report is not None:
                    report(done, total)

    def _flow_after(self, row: int, start: int, before: tuple[int, Window] | None) -> Window:
        """Return the flow of a window, given that of an earlier one of the same row."""
        shared = 0 if before is None else self.spec.frames - self.spec.flow_step - (start - before[0])
        if before is None or shared <= 0 or self._cache.has(self._flow_key(row, start)):
            return self.flow_of(row, start)
        window = take_window(self.stack(row), start, self.spec)
        fields = np.concatenate([before[1][-shared:], self._fields(window[:, shared:])])
        return self._keep_flow(self._flow_key(row, start), fields)

    def _fields(self, window: Window) -> Window:
        assert self._flow is not None  # checked when the samples were made
        return np.asarray(self._flow(window, self.spec.flow_step)[0])

    def _flow_key(self, row: int, start: int) -> str:
        name = "".join(letter if letter.isalnum() else "-" for letter in self._flow_name)
        return f"{self._keys[row]}_flow_{name}_{self.spec.frames}_{self.spec.flow_step}_{start}"

    def _keep_flow(self, key: str, fields: Window) -> Window:
        kept = np.asarray(fields, dtype=np.float16)  # a thousandth of a pixel is finer than RAFT is right
        self._cache.put(key, {"flow": kept})
        return kept.astype(np.float32)

    def statistics(self) -> tuple[float, float]:
        """Return mean and standard deviation of the grey values of all windows side by side, after `deviation`.

        Every row counts the same however long its clip is. Not augmented, so that they belong to the data alone.
        """
        sums = np.zeros(2)
        spec = plain(self.spec)
        for row in range(len(self.rows)):
            stack = self.stack(row)
            starts = window_starts(stack.frames.shape[1], spec.frames, spec.frames)
            of_row = np.zeros(2)
            for start in starts:
                values = normalise(take_window(stack, int(start), spec), spec)
                of_row += values.mean(dtype=np.float64), np.square(values).mean(dtype=np.float64)
            sums += of_row / len(starts)
        mean, square = sums / len(self.rows)
        return float(mean), float(np.sqrt(max(square - mean**2, 1e-6)))


def _arrays(stack: ClipStack) -> Arrays:
    arrays: dict[str, npt.NDArray[Any]] = {"frames": stack.frames, "moments": stack.moments}
    if stack.line is not None:
        arrays["line"] = stack.line
    return arrays


def _stack(arrays: Arrays) -> ClipStack:
    return ClipStack(arrays["frames"], arrays["moments"], arrays.get("line"))


def _only(stack: ClipStack, square: int) -> ClipStack:
    """Return one square of a stack."""
    return ClipStack(stack.frames[square : square + 1], stack.moments)
