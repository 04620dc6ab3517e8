"""The decoders are loaded behind the first painting: not before, not while a clip is being opened, and only once."""

import subprocess
import sys

CODE = """
import sys, time
from PySide6.QtCore import QCoreApplication, QObject
from lsgui.gui import decoder_warmup
from lsgui.gui.decoder_warmup import WARMED, DecoderWarmup

decoder_warmup._AFTER_MS = 20
application = QCoreApplication([])
owner, opening = QObject(), [True]
warmup = DecoderWarmup(lambda: opening[0], owner)


def spin(seconds, until=lambda: False):
    end = time.monotonic() + seconds
    while time.monotonic() < end and not until():
        application.processEvents()
        time.sleep(0.005)


spin(0.1)
loaded = lambda: {"cv2", "pydicom"} & set(sys.modules)
assert not loaded(), "loaded before it began"
warmup.start()
spin(0.2)
assert not loaded(), "loaded while a clip was being opened"
opening[0] = False
spin(20.0, lambda: WARMED[-1] in sys.modules)
warmup.close()
assert set(WARMED) <= set(sys.modules), set(WARMED) - set(sys.modules)
assert "torch" not in sys.modules
assert not warmup._thread.isRunning()
print("warm")
"""


def test_the_decoders_are_loaded_once_the_window_has_come_to_rest():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "warm\n"
