"""One M-mode as it is cut and scaled: what the view shows of a column of the pleural line."""

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, QRectF, QTimer, Signal
from PySide6.QtGui import QImage

from lsgui.gui.job_thread import JobThread
from lsgui.gui.mmode_job import MModeJob, MModePiece, MModeRequest
from lsgui.gui.time_axis import TimeAxis

_SETTLE_MS = 40
"""A line or column that keeps moving is cut only when it rests this long."""


class MModeTrack(QObject):
    """Cuts what is wanted in its own thread and keeps the last of it."""

    changed = Signal()
    """There is more to be seen, or nothing any more."""

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wanted: MModeRequest | None = None
        self._piece: MModePiece | None = None
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._on_settle_timeout)
        self._thread = JobThread(name, self, calm=True)
        self._thread.told.connect(self._on_thread_told)

    def stop(self) -> None:
        """End the thread."""
        self._settle.stop()
        self._thread.close()

    @property
    def piece(self) -> MModePiece | None:
        """What was cut so far; None while there is nothing."""
        return self._piece

    @property
    def image(self) -> npt.NDArray[np.uint8] | None:
        """The M-mode as it was cut so far, (depth, time) uint8; None while there is none."""
        return None if self._piece is None else self._piece.image

    def want(self, request: MModeRequest | None) -> None:
        """Cut something else next, or nothing."""
        if request is None:
            if self._wanted is not None or self._piece is not None:
                self._wanted = self._piece = None
                self._settle.stop()
                self._thread.stop_job()
                self.changed.emit()
            return
        more = request.continues(self._wanted)
        if more and self._wanted is not None and request.frames == self._wanted.frames:
            return
        if self._piece is not None and self._piece.request.store is not request.store:
            self._piece = None
        self._wanted = request
        if not self._settle.isActive() or not more:
            self._settle.start()

    def _on_settle_timeout(self) -> None:
        wanted, piece = self._wanted, self._piece
        if wanted is None:
            return
        if piece is not None and piece.image is not None and wanted.continues(piece.request):
            wanted = MModeRequest(
                wanted.store, wanted.roi, wanted.column, wanted.frames, wanted.above_px, wanted.below_px, piece.image
            )
            self._wanted = wanted
        self._thread.submit(MModeJob(wanted))

    def _on_thread_told(self, event: object) -> None:
        if isinstance(event, MModePiece) and self._wanted is not None and event.request.continues(self._wanted):
            self._piece = event
            self.changed.emit()


def rendered(
    image: npt.NDArray[np.uint8], table: npt.NDArray[np.uint8], axis: TimeAxis, box: QRectF, ratio: float
) -> QImage:
    """Return an M-mode (depth, time) at the size of its box, in shown greys; column k lies where frame k begins."""
    import cv2  # loaded by the readers by the time an M-mode is there

    size = (max(round(box.width() * ratio), 1), max(round(box.height() * ratio), 1))
    timeline = axis.timeline
    times = (np.arange(size[0]) + 0.5) / size[0] * timeline.end_s
    known = timeline.starts[: image.shape[1]]
    columns = np.interp(times, known, np.arange(len(known))).astype(np.float32)
    rows = ((np.arange(size[1]) + 0.5) / size[1] * image.shape[0] - 0.5).astype(np.float32)
    map_x, map_y = np.meshgrid(columns, rows)
    shown = cv2.remap(cv2.LUT(image, table), map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    shown[:, times > timeline.start_of(len(known))] = 0
    out = QImage(shown.data, size[0], size[1], size[0], QImage.Format.Format_Grayscale8).copy()
    out.setDevicePixelRatio(ratio)
    return out
