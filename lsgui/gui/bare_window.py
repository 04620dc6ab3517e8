"""An empty window of the toolkit: what any program with a window holds here. The bench compares `lsgui` with it.

Not a command: `lsgui bench` starts ``python -m lsgui.gui.bare_window`` and reads one JSON object.
"""

import json
import sys
from dataclasses import asdict

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

from lsgui.bench.process_memory import memory_of

_REST_MS = 1000


def main() -> int:
    """Show an empty window, and write what its process holds to standard output."""
    application = QApplication(["lsgui"])
    window = QMainWindow()
    window.resize(1280, 800)
    window.show()

    def tell() -> None:
        sys.stdout.write(json.dumps(asdict(memory_of())) + "\n")
        window.close()

    QTimer.singleShot(_REST_MS, window, tell)
    return application.exec()


if __name__ == "__main__":
    raise SystemExit(main())
