"""The least that the toolkit can do: an empty window that shows grey pictures at a rate. The bench measures against it.

Started as ``python -m lsgui.gui.bare_player`` with an object as JSON: `seconds` (0 for the start alone), `fps`, `width`
and `height` of the pictures. Writes one JSON object.
"""

import json
import sys
import time

from PySide6.QtCore import QElapsedTimer, Qt, QTimer
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QMainWindow

_SIZE = (1440, 900)
_PICTURES = 8


class BareWindow(QMainWindow):
    """Shows pictures, scaled to its size, by elapsed time; then nothing, and ends."""

    def __init__(self, seconds: float, fps: float, width: int, height: int) -> None:
        super().__init__()
        self.resize(*_SIZE)
        self.told: dict[str, float] = {}
        self._seconds, self._fps = seconds, fps
        self._pictures = [_picture(width, height, shade) for shade in range(_PICTURES)]
        self._due = self._shown = 0
        self._painted = -1
        self._clock = QElapsedTimer()
        self._cpu = 0.0
        self._gaps: list[float] = []
        self._ticked = 0.0
        self._frames = _ticking(self, round(1000 / fps), self._on_frames_timeout)
        self._watch = _ticking(self, 16, self._on_watch_timeout)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture that is due."""
        painter = QPainter(self)
        if self._clock.isValid():
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(self.rect(), self._pictures[self._due % _PICTURES])
            self._shown += self._due != self._painted
            self._painted = self._due
        painter.end()
        if not self.told:
            self.told["painted_at"] = 0.0
            QTimer.singleShot(0, self, self._on_painted)

    def _on_painted(self) -> None:
        self.told["painted_at"] = time.time()
        if not self._seconds:
            self.close()
            return
        self._clock.start()
        self._cpu, self._ticked = time.thread_time(), time.perf_counter()
        self._frames.start()
        self._watch.start()
        QTimer.singleShot(round(self._seconds * 1000), self, self._on_played)

    def _on_frames_timeout(self) -> None:
        self._due = int(self._clock.elapsed() * self._fps / 1000)
        self.update()

    def _on_watch_timeout(self) -> None:
        now = time.perf_counter()
        self._gaps.append(1000.0 * (now - self._ticked))
        self._ticked = now

    def _on_played(self) -> None:
        seconds = self._clock.elapsed() / 1000
        self._frames.stop()
        self._watch.stop()
        self.told |= {
            "asked_fps": self._fps,
            "shown_fps": self._shown / seconds,
            "paint_ms": 1000.0 * (time.thread_time() - self._cpu) / max(self._shown, 1),
            "longest_ms": max(self._gaps, default=0.0),
        }
        self._cpu = time.process_time()
        QTimer.singleShot(round(self._seconds * 1000), self, self._on_rested)

    def _on_rested(self) -> None:
        self.told["idle_percent"] = 100.0 * (time.process_time() - self._cpu) / self._seconds
        self.close()


def _ticking(window: BareWindow, every_ms: int, do: object) -> QTimer:
    timer = QTimer(window)
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.setInterval(every_ms)
    timer.timeout.connect(do)
    return timer


def _picture(width: int, height: int, shade: int) -> QImage:
    picture = QImage(width, height, QImage.Format.Format_Grayscale8)
    picture.fill(shade * 0x00101010)
    return picture


def main(errand: dict[str, float]) -> int:
    """Do an errand, write what was measured, and return the exit status."""
    application = QApplication(["bare"])
    window = BareWindow(errand["seconds"], errand["fps"], int(errand["width"]), int(errand["height"]))
    window.show()
    status = application.exec()
    sys.stdout.write(json.dumps(window.told) + "\n")
    return status


if __name__ == "__main__":
    raise SystemExit(main(json.loads(sys.argv[1])))
