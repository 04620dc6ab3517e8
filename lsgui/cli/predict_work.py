"""One clip's share of `lsgui predict`, the same in this process, in a worker process and on a cluster."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsgui.core.errors import LsguiError

if TYPE_CHECKING:  # a task is made where nothing of this is loaded yet
    from lsgui.core.clip import ClipInfo
    from lsgui.core.pleura import PleuralROI
    from lsgui.core.prediction import Prediction
    from lsgui.inference.clip_runner import ClipAnswer
    from lsgui.inference.protocol import DeviceChoice, FlowChoice

Tell = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class WorkSetup:
    """What is asked of every clip.

    Attributes
    ----------
    model, device
        What to run, by its id or its folder, and where.
    flow
        How flow is measured where it is drawn on the pictures.
    picture
        Whether each clip's picture with its verdict is wanted.
    content
        Whether an answer is of no use without the hash of its clip's content.
    """

    model: str
    device: "DeviceChoice" = "auto"
    flow: "FlowChoice | None" = None
    picture: bool = False
    content: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ClipTask:
    """A clip to judge, its pleural line where one was given, and a sentence where there is nothing to judge."""

    path: Path
    roi: "PleuralROI | None" = None
    error: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ClipOutcome:
    """What came of a clip; small enough to be sent between processes.

    Attributes
    ----------
    clip
        File name.
    said
        The object of `--json`; None where the clip has no answer, and then `error` says why in one sentence.
    hint
        The prediction's sentence on extent.
    content
        Hash of the clip's content; empty where the clip is gone meanwhile and it was not asked for.
    prediction, info
        The answer itself and what the file says; None where the answer was taken over from an earlier run.
    picture
        PNG, where it was asked for.
    details
        For the log, where the clip's worker ended.
    """

    clip: str
    said: dict[str, Any] | None = None
    hint: str = ""
    error: str = ""
    content: str = ""
    prediction: "Prediction | None" = None
    info: "ClipInfo | None" = None
    picture: bytes | None = None
    details: str = ""


class ClipWork:
    """Judges clips one after another; close it at the end.

    Parameters
    ----------
    setup
        What is asked.
    threads
        Processor threads; None for all cores.
    apart
        Whether clips are decoded in a process of its own: where nobody would survive a decoder that crashes.

    Raises
    ------
    LsguiError
        When there is no such model.
    """

    def __init__(self, setup: WorkSetup, threads: int | None = None, *, apart: bool = False) -> None:
        from lsgui.decoding.clip_opening import open_clip_apart
        from lsgui.decoding.decoder_process import DecoderProcess
        from lsgui.inference.clip_runner import ClipRunner
        from lsgui.inference.local_session import LocalSession
        from lsgui.inference.plan import WorkerPlan
        from lsgui.readers.base import open_clip

        self._setup = setup
        self._session = LocalSession(WorkerPlan(threads=threads))
        self._decoder = DecoderProcess("reader") if apart else None
        read = open_clip if self._decoder is None else partial(open_clip_apart, self._decoder)
        self._runner = ClipRunner(self._session, setup.model, setup.device, None, setup.flow, read)
        self._session.start()

    def __call__(self, task: ClipTask, tell: Tell) -> ClipOutcome:
        """Return what came of a clip; a clip that cannot be judged is an outcome with a sentence."""
        name = task.path.name
        with ExitStack() as hold:
            try:
                if task.error:
                    raise LsguiError(task.error)
                answer = hold.enter_context(self._runner.judged(task.path, tell, task.roi))
                return self._outcome(task.path, answer)
            except LsguiError as fault:
                return ClipOutcome(name, error=str(fault))

    def close(self) -> None:
        """End the session."""
        if self._decoder is not None:
            self._decoder.close()
        self._session.close()

    def _outcome(self, path: Path, answer: "ClipAnswer") -> ClipOutcome:
        said = answer.prediction
        return ClipOutcome(
            path.name,
            said.to_json(),
            said.hint,
            content=_content(path, needed=self._setup.content),
            prediction=said,
            info=answer.clip.info,
            picture=_picture(answer) if self._setup.picture else None,
        )


def make_work(setup: WorkSetup, threads: int) -> ClipWork:
    """Return the work of a worker process that may use so many threads."""
    import cv2

    cv2.setNumThreads(threads)
    return ClipWork(setup, threads)


def _content(path: Path, *, needed: bool) -> str:
    from lsgui.annotation.content_hash import content_hash

    try:
        return content_hash(path)
    except LsguiError:
        if needed:
            raise
        return ""


def _picture(answer: "ClipAnswer") -> bytes:
    from lsgui.export.mask import masked_clip, propose_mask
    from lsgui.export.picture import overlay_png

    shown = masked_clip(answer.clip, propose_mask(answer.clip))
    return overlay_png(shown, answer.prediction, answer.maps, answer.area.box)
