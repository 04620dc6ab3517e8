"""What opens a file of each kind, as the program does it: an exit status, or LsguiError."""

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def _run(*arguments: object) -> int:
    from lsgui.cli import main

    if not hasattr(main.build_app, "cache_info"):
        main.build_app = cache(main.build_app)  # the same for every case
    return main.run([str(part) for part in arguments])


def _clip(path: Path) -> int:
    """Decode every frame of a clip and say what `lsgui info` says, in this very process: what crashes is seen."""
    from lsgui.cli.info_command import clip_facts
    from lsgui.readers.base import open_clip

    clip = open_clip(path)
    try:
        json.dumps(clip_facts(path, clip))
    finally:
        close = getattr(clip.store, "close", None)
        if close is not None:
            close()
    return 0


def _info(path: Path) -> int:
    """Run `lsgui info`, which decodes in a process of its own."""
    return _run("info", path, "--json")


def _identity(path: Path) -> int:
    """Read whom a DICOM file is of, and its fingerprint."""
    from lsgui.annotation.content_hash import content_hash
    from lsgui.readers.dicom_parts.identity import read_identity

    content_hash(path)
    try:
        read_identity(path)
    except OSError as fault:
        from lsgui.readers.frame_source import cannot_reach

        raise cannot_reach(path, fault) from fault
    return 0


def _line(path: Path) -> int:
    """Read a file of pleural lines, and hold its line against a clip's size."""
    from lsgui.core.pleura import check_roi_fits
    from lsgui.inference.line_file import read_lines

    lines = read_lines(path)
    roi = lines.line_for("tuke_lumify_l12.mp4") if lines is not None else None
    if roi is not None:
        check_roi_fits(roi, 1280, 720, "clip")
        roi.line_at(3)
        json.dumps(roi.to_json())
    return 0


def _mask(path: Path) -> int:
    """Read a mask of pixels."""
    from lsgui.cli.export_work import _read_mask

    _read_mask(path)
    return 0


def _labels(path: Path) -> int:
    """Import labels into an empty store, and export what came in."""
    store, out = path.with_name("fuzzed.sqlite"), path.with_name("fuzzed.out.csv")
    try:
        status = _run("labels", "import", path, "--store", store, "--rater", "FUZZ")
        if status == 0:
            status = _run("labels", "export", out, "--store", store) or _run("labels", "check", "--store", store)
    finally:
        _clear(path.parent)
    return status


def _store(path: Path) -> int:
    """Open a store: list it, check it, export it."""
    out = path.with_name("fuzzed.out.json")
    try:
        checked = _run("labels", "check", "--store", path)
        listed = _run("labels", "list", "--store", path)
        exported = _run("labels", "export", out, "--store", path, "--format", "json") if listed == 0 else listed
        if 1 in (checked, listed, exported):
            return 1
        return exported
    finally:
        _clear(path.parent)


def _clear(folder: Path) -> None:
    for left in folder.glob("fuzzed*"):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()


def _table(path: Path) -> int:
    """Read a data set's table."""
    from lsgui.training.data.dataset_rows import read_listed

    read_listed(path.parent, path)
    return 0


def _card(path: Path) -> int:
    """Read a model's card in the folder, check its hash and load its weights."""
    from lsgui.inference.served_models import network_of
    from lsgui.models.card import load_card

    card = load_card(path.parent)
    card.listing()
    if card.needs_weights:
        network_of(str(path.parent), card.sha256, "cpu")
        network_of.cache_clear()
    return 0


def _weights(path: Path) -> int:
    """Load weights under a card that knows their hash: what damage does is the parser's to find."""
    from lsgui.models.base import find_spec
    from lsgui.models.card import read_card
    from lsgui.models.checkpoint import load_weights
    from lsgui.models.raft import load_raft

    card = read_card(ROOT / "trained_models" / "cmwru-strip")
    from lsgui.core.plain_file import read_plain

    try:
        load_weights(find_spec(card.architecture).build(card), read_plain(path, 1 << 30), path.name)
    except OSError as fault:
        from lsgui.core.errors import ModelError

        raise ModelError(f"{path.name}: cannot be read ({fault.strerror}).") from fault
    load_raft(path)
    return 0


def _add(path: Path) -> int:
    """Take a model's folder into one's own models."""
    return _run("models", "--add", path.parent)


def _checkpoint(path: Path) -> int:
    """Import a published checkpoint."""
    try:
        return _run("models", "--import", path, "--as", "rcm2d", "--out", path.with_name("fuzzed_model"))
    finally:
        _clear(path.parent)


def _settings(path: Path) -> int:
    """Read settings."""
    from lsgui.review.settings import load_settings

    load_settings(path)
    return 0


def _audit(path: Path) -> int:
    """Verify an audit log."""
    return _run("audit", "verify", "--file", path)


TARGETS: dict[str, Callable[[Path], Any]] = {
    "clip": _clip,
    "info": _info,
    "identity": _identity,
    "line": _line,
    "mask": _mask,
    "labels": _labels,
    "store": _store,
    "table": _table,
    "card": _card,
    "weights": _weights,
    "add": _add,
    "checkpoint": _checkpoint,
    "settings": _settings,
    "audit": _audit,
}
NEED_TORCH = frozenset({"card", "weights", "add", "checkpoint"})
"""Targets that load torch, which takes addresses that are no memory."""
