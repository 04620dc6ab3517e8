"""`lsgui train`: train a model on a labelled folder."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lsgui.inference.protocol import DeviceChoice

STRIP, RAFT = "cmwru-strip", "raft-small"


class Device(StrEnum):
    """Where to compute."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


HELP = """Train a model and write weights, card and figures, ready for trained_models/.

DIR holds a dataset.csv (clip, label, patient, source, start, stop, roi) or the paper's sliding_metafile.json; --index
names such a file elsewhere. Clips are divided into training, validation and test set by patient.

\b
cmwru        the paper's 3D residual network on frames
cmwra        the paper's 3D convolution on RAFT flow
rcm2d        the paper's CNN and GRU
inception2d  its frame-wise baseline
cmwru-strip  3D residual network on the pleural strip: makes its absent clips from sliding ones and from simulation,
             so a folder without a single absent clip will do (--leave-one-out measures it)
raft-small   optical flow, on simulated speckle: takes no --data

\b
Example: lsgui train --data clips --model cmwru --out runs/mine --set head=pooled --set size=128
Several GPUs: torchrun --nproc-per-node 2 -m lsgui train --data clips --model cmwru --out runs/mine

Settings also come from a TOML file (--config recipe.toml; --set is stronger). A wrong key lists them all.

\b
    epochs = 16
    batch = 20
    learning_rate = 1e-3
    dropout = 0.65
    split = [0.6, 0.2, 0.2]    # of training, validation and test set
    balance = "drop"           # or "epochs", "none"
    edits = ["hard", "mirror"] # absent clips made of sliding ones
    head = "pooled"            # or "published"
    region = "pleura"          # or "scan"
"""


def register(app: typer.Typer) -> None:
    """Enter the command."""

    @app.command("train", help=HELP)
    def train(
        out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the model and its figures go.")],
        data: Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Labelled folder.")] = None,
        model: Annotated[str, typer.Option("--model", metavar="ID", help="Which model.")] = STRIP,
        index: Annotated[
            Path | None, typer.Option("--index", metavar="FILE", help="Rows to use in place of those of DIR.")
        ] = None,
        config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="TOML file of settings.")] = None,
        settings: Annotated[
            list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one setting.")
        ] = None,
        edits: Annotated[
            str, typer.Option("--edits", metavar="KINDS", help="Add edits of sliding clips: the same as --set edits=.")
        ] = "",
        resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")] = False,
        leave_one_out: Annotated[
            bool,
            typer.Option("--leave-one-out", help=f"{STRIP}: first measure, leaving one patient out at a time."),
        ] = False,
        device: Annotated[Device, typer.Option("--device", help="Where to compute.")] = Device.AUTO,
        cache: Annotated[
            Path | None, typer.Option("--cache", metavar="DIR", help="Keep prepared clips here for further runs.")
        ] = None,
        about: Annotated[str, typer.Option("--about", metavar="TEXT", help="What the data are, for the card.")] = "",
    ) -> None:
        given = [*(settings or []), *([f"edits={edits}"] if edits else [])]
        if model == RAFT:
            _refuse(RAFT, {"--data": data, "--index": index, "--edits": edits, "--cache": cache, "--about": about})
            _train_raft(out, given, config, device.value, resume)
            return
        if data is None:
            raise typer.BadParameter(f"Missing option '--data': {model} is trained on a labelled folder.")
        if model == STRIP:
            _refuse(STRIP, {"--edits": edits, "--cache": cache, "--about": about})
            from lsgui.training.distributed import training_device
            from lsgui.training.strip.run import StripRun, read_recipe

            recipe = read_recipe(model, config, given)
            StripRun(data, index, out, recipe, training_device(device.value), resume).execute(leave_one_out)
            return
        _refuse(model, {"--leave-one-out": leave_one_out})
        _train_on_clips(model, data, index, out, given, config, device.value, resume, cache, about)


def _refuse(model: str, options: dict[str, object]) -> None:
    for name, value in options.items():
        if value:
            raise typer.BadParameter(f"{model} does not take {name}.")


def _train_raft(out: Path, given: list[str], config: Path | None, device: "DeviceChoice", resume: bool) -> None:
    from lsgui.training.distributed import training_device
    from lsgui.training.raft.run import train_raft

    train_raft(out, given, config, training_device(device), resume)


def _train_on_clips(
    model: str,
    data: Path,
    index: Path | None,
    out: Path,
    given: list[str],
    config: Path | None,
    device: "DeviceChoice",
    resume: bool,
    cache: Path | None,
    about: str,
) -> None:
    from lsgui.core.errors import ModelError
    from lsgui.training.clips.config import CLIP_MODELS, read_clip_recipe

    if model not in CLIP_MODELS:
        known = ", ".join((*CLIP_MODELS, STRIP, RAFT))
        raise ModelError(f"There is no model called {model!r} that can be trained: choose one of {known}.")
    recipe = read_clip_recipe(model, config, given)
    from lsgui.training.clips.run import ClipRun  # loads torch: only once the settings are right

    ClipRun(data, index, out, model, recipe, device, resume, cache, about).execute()
