"""The record of a run of `lsgui predict` beside its file: what `--resume` continues after an interruption."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from lsgui import __version__
from lsgui.annotation.content_hash import content_hash
from lsgui.cli.predict_work import ClipOutcome, ClipTask
from lsgui.core.errors import LsguiError

SUFFIX = ".record"


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """What must be the same for an answer to be taken over: program, model with its weights, device, and outputs.

    `outputs` names what else each clip leaves (pictures, verdicts in a store), which a resumed run must not miss.
    """

    model: str
    version: str
    sha256: str
    device: str
    outputs: tuple[str, ...] = ()
    program: str = __version__

    def of(self, task: ClipTask) -> str:
        """Return the fingerprint of a clip's task: the identity and the clip's pleural line."""
        line = None if task.roi is None else task.roi.to_json()
        said = [self.program, self.model, self.version, self.sha256, self.device, *self.outputs, line]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


class RunRecord:
    """One line a clip as it ends, on disk before the next is written: a run that is killed loses what was running.

    Parameters
    ----------
    path
        The file of answers; the record lies beside it.
    identity
        What the run is.
    resume
        Take over what an earlier run left, and keep the record when this one ends: it recognises the clips of a folder
        that has grown. Otherwise the record goes when the run ends in full.
    """

    def __init__(self, path: Path, identity: RunIdentity, *, resume: bool) -> None:
        self.path = path.with_name(path.name + SUFFIX)
        self.kept = 0
        self._identity = identity
        self._resume = resume
        self._file: IO[bytes] | None = None
        self._known, self._good_bytes = _read(self.path) if resume else ({}, 0)

    @property
    def is_left_over(self) -> bool:
        """Whether an earlier run was interrupted and this one will not continue it."""
        return not self._resume and self.path.exists()

    def known(self, task: ClipTask) -> ClipOutcome | None:
        """Return the answer of the earlier run for this clip, model and line; None where there is none."""
        held = self._known.get((task.path.name, self._identity.of(task)), {})
        if not held or task.error:
            return None
        try:
            entry = held.get(content_hash(task.path))
        except LsguiError:
            return None  # the clip is gone or unreadable: judging it says so
        if entry is None:
            return None
        return ClipOutcome(task.path.name, entry["said"], entry["hint"], content=entry["content"])

    def add(self, task: ClipTask, outcome: ClipOutcome) -> None:
        """Keep an answer; a clip without one is tried again by a resumed run.

        Raises
        ------
        LsguiError
            When the record cannot be written.
        """
        if outcome.said is None or not outcome.content:
            return
        entry = {
            "clip": outcome.clip,
            "run": self._identity.of(task),
            "content": outcome.content,
            "said": outcome.said,
            "hint": outcome.hint,
        }
        try:
            file = self._file or self._open()
            file.write(json.dumps(entry).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        except OSError as fault:
            raise LsguiError(f"{self.path} cannot be written ({fault.strerror}): choose another place.") from fault
        self.kept += 1

    def close(self, *, complete: bool) -> None:
        """Close the record; it goes where the run ended in full and was not asked to resume."""
        if self._file is not None:
            self._file.close()
        if complete and not self._resume:
            self.path.unlink(missing_ok=True)

    def _open(self) -> IO[bytes]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("r+b" if self._good_bytes else "wb")
        self._file.truncate(self._good_bytes)  # half a line that a kill left
        self._file.seek(self._good_bytes)
        return self._file


_Entries = dict[tuple[str, str], dict[str, dict[str, Any]]]


def _read(path: Path) -> tuple[_Entries, int]:
    """Return the entries by (clip, run) and content, and the bytes up to the end of the last whole line."""
    entries: _Entries = {}
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return entries, 0
    except OSError as fault:
        raise LsguiError(f"{path} cannot be read ({fault.strerror}): start without --resume.") from fault
    good = data.rfind(b"\n") + 1
    for line in data[:good].splitlines():
        try:
            entry = json.loads(line)
            known = {name: entry[name] for name in ("clip", "run", "content", "said", "hint")}
        except (ValueError, KeyError, TypeError):
            continue  # a damaged line: its clip is judged again
        entries.setdefault((known["clip"], known["run"]), {})[known["content"]] = known
    return entries, good
