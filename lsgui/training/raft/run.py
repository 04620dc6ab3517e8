"""One training run of `raft-small`, from nothing but a seed to weights, table and card."""

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from torch import nn

from lsgui.core.atomic_file import write_atomic
from lsgui.core.errors import DatasetError, DeviceError
from lsgui.models.card import Calibration, ModelCard, ModelInput, write_card
from lsgui.models.checkpoint import save_weights
from lsgui.models.raft import SHIPPED, SMALLEST, RaftFlow
from lsgui.training.clips.config import read_settings
from lsgui.training.raft.table import SMOOTH_PX, Row, as_markdown, as_metrics, measure, verdict_sentences
from lsgui.training.raft.trainer import Progress, RaftRecipe, Report, train_raft_network

VERSION = "1"

LIMITS = (
    "Trained and measured on simulated speckle only: on patients' clips nobody knows the true motion.",
    "Motion over 8 pixels, and speckle finer than 1.6 or coarser than 5 pixels along the beam, were hardly ever seen.",
    "Where texture renews itself instead of moving there is no motion to find: flow shows motion, it decides nothing.",
)

_log = logging.getLogger(__name__)


def read_raft_recipe(config: Path | None, settings: Sequence[str]) -> RaftRecipe:
    """Return the recipe with the settings of a TOML file and of the command line, the latter stronger.

    Raises
    ------
    ModelError
        When the file cannot be read, a setting is wrong, or settings do not go together.
    """
    recipe = RaftRecipe()
    for name, value in read_settings(config, settings).items():
        recipe = recipe.with_setting(name, str(value))
    recipe.check()
    return recipe


def train_raft(
    out: Path, settings: Sequence[str], config: Path | None, device: str = "cpu", resume: bool = False
) -> ModelCard:
    """Train RAFT on simulated speckle, measure it, and write weights, card and README into `out`.

    Parameters
    ----------
    out
        Folder of the result; also holds the checkpoint and the run's history.
    settings
        `key=value` of `RaftRecipe`.
    config
        TOML file of the same.
    device
        "cpu" or "cuda".
    resume
        Go on from the checkpoint in `out`.

    Raises
    ------
    LsguiError
        When a setting, the folder, the device or the checkpoint is not usable: one sentence.
    """
    recipe = read_raft_recipe(config, settings)
    if device == "cuda" and not torch.cuda.is_available():
        raise DeviceError("There is no CUDA device here: train with --device cpu.")
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not resume:
            (out / "checkpoint.pt").unlink(missing_ok=True)
    except OSError as fault:
        raise DatasetError(f"{out}: the folder cannot be made ({fault.strerror}).") from fault
    try:
        with _shown(recipe.steps) as report:
            network = train_raft_network(recipe, device, out, report)
    except torch.OutOfMemoryError as fault:
        smaller = max(1, recipe.batch // 2)
        raise DeviceError(
            f"The memory of {device} is too small for batches of {recipe.batch} pairs: try --set batch={smaller}."
        ) from fault
    return publish(network, recipe, out)


def publish(network: nn.Module, recipe: RaftRecipe, out: Path) -> ModelCard:
    """Measure a trained network and write its weights, card and README into `out`."""
    raft = RaftFlow(network, recipe.iterations_in_use, recipe.enlarge)
    rows = measure(raft, recipe.seed, recipe.table_pairs)
    card = ModelCard(
        id=SHIPPED,
        title="RAFT, small, for speckle",
        version=VERSION,
        architecture=SHIPPED,
        role="flow",
        input=ModelInput(kind="flow", size=(2, recipe.size, recipe.size)),
        preprocessing={
            "grey": "0..255 to -1..1, repeated on 3 channels",
            "enlarged": f"{recipe.enlarge} times, bilinear; flow is given back in pixels of the picture as it came",
            "least_side": SMALLEST,
            "multiple_of": 8,
        },
        hyperparameters={"iterations": recipe.iterations_in_use, "enlarge": recipe.enlarge},
        threshold=0.5,
        threshold_source="none: it measures motion and gives no verdict",
        abstain=(0.5, 0.5),
        calibration=Calibration(source="none: it measures motion and gives no verdict"),
        parameters=sum(weight.numel() for weight in network.parameters()),
        sha256=save_weights(network, out / "model.safetensors"),
        trained_on=f"{recipe.steps * recipe.batch} pairs of simulated speckle, {recipe.size} x {recipe.size} pixels",
        metrics=as_metrics(rows),
        command=_command(recipe),
        seed=recipe.seed,
        limits=LIMITS,
    )
    write_card(card, out)
    write_atomic(out / "README.md", _readme(card, rows).encode("utf-8"))
    return card


def _command(recipe: RaftRecipe) -> str:
    changed = [
        f" --set {name}={value}" for name, value in asdict(recipe).items() if value != getattr(RaftRecipe(), name)
    ]
    return f"lsgui train --model {SHIPPED} --out RUN{''.join(changed)}"


def _readme(card: ModelCard, rows: Sequence[Row]) -> str:
    limits = "\n".join(f"- {limit}" for limit in card.limits)
    verdict = " ".join(verdict_sentences(rows))
    return f"""# {card.id} {card.version}: {card.title}

**In** pairs of grey frames, 0..255, which `lsgui.models.raft.RaftFlow` scales to -1..1, enlarges
{card.hyperparameters["enlarge"]} times (bilinear), repeats on three channels and pads to a multiple of 8 and at least
{SMALLEST} pixels, in training as in use. **Out** the motion of every pixel from the first to the second, in
pixels. torchvision's `raft_small`, {card.parameters:,} parameters, {card.hyperparameters["iterations"]} iterations,
{card.sha256[:12]}. Frozen wherever it is used. It gives no verdict.

**Research use only. Trained on simulated speckle: not validated on patients.**

## How it was made

```
{card.command}
```

Seed {card.seed}; no data needed: {card.trained_on}, drawn while training
(`lsgui.simulation.speckle_pairs`). On the processor of one machine the same command gives the same weights.

## What was measured

Mean end-point error on simulated pairs of a seed that training has not seen, in pixels, in brackets in millimetres
(the axial width of the speckle taken as 0.25 mm). DIS runs with the settings of this program's flow map; smoothed:
with a Gaussian of {SMOOTH_PX:g} pixels afterwards, because RAFT too is coarse: one vector a cell of 8 pixels of the
enlarged picture, interpolated. Farnebäck: OpenCV, window 21, 3 levels, polynomials of 7 pixels. "motion" is the
error of saying that nothing moves. Intervals: 95 % bootstrap over pairs.

{as_markdown(rows)}

{verdict}

## Limits

{limits}
"""


@contextmanager
def _shown(steps: int) -> Iterator[Report]:
    """Show a bar with the time left on standard error, and lines in the log when that is not a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console, disable=not console.is_terminal) as bars:
        task = bars.add_task("training RAFT", total=steps)

        def report(progress: Progress) -> None:
            error = "" if math.isnan(progress.error_px) else f", error {progress.error_px:.3f} px"
            said = f"training RAFT, loss {progress.loss:.3f}{error}"
            bars.update(task, completed=progress.step, description=said)
            if progress.step % 50 == 0:
                _log.info("step %d of %d, %.0f s left: %s", progress.step, steps, progress.seconds_left, said)

        yield report
