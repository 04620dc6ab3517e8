"""Parts for the tests of the bench; found by name in the processes that measure them."""

import faulthandler
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from lsgui.bench.rows import Area, BenchRow
from lsgui.core.errors import LsguiError


@dataclass(frozen=True, slots=True)
class Figures:
    value: object

    def as_json(self):
        return {"flow": {"dis_ms": self.value}}

    def rows(self):
        return [BenchRow(Area.FLOW, "a figure", 1.0, "ms", 3.0, "another", 3.0)]


def good(tell, quick):
    tell("halfway", 0.5)
    os.write(1, b"noise")
    return Figures(7.0 if quick else 8.0)


def crash(_tell, _quick):
    faulthandler._sigsegv()


def raises(_tell, _quick):
    raise ValueError("no such thing")


def refuses(_tell, _quick):
    raise LsguiError("the sample clip cannot be written.")


def needs(_tell, _quick):
    raise ModuleNotFoundError("No module named 'nothing_here'", name="nothing_here")


def sleeps(tell, _quick):
    """Leaves a file and a process behind, for the owner to clear away, and tells where they are."""
    handle, path = tempfile.mkstemp()
    os.close(handle)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    tell(f"{child.pid} {os.getpid()} {Path(path).parent}", 0.1)
    time.sleep(60)
