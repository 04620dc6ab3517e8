"""Programs that write to a store until they are killed, and ways to take away what they need: for the hardening tests.

They run as processes of their own: a kill, a full disk or a lost permission cannot be acted in the test's process.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

SPEAKER = """
import random, sys
from pathlib import Path
from lsgui.annotation.store import AnnotationStore
from lsgui.core.reading import StatementKind
random.seed(int(sys.argv[2]))
values = {
    StatementKind.LABEL: {"label": "ls_a"}, StatementKind.TAGS: ["b_lines"], StatementKind.CONFIDENCE: 2,
    StatementKind.COMMENT: "x" * 3000, StatementKind.INTERVAL: {"start": 1, "stop": 9, "label": None},
}
with AnnotationStore(Path(sys.argv[1])) as store:
    while True:
        kind = random.choice(list(values))
        clip = f"{random.randrange(50):064x}"
        subject = "m" if kind is StatementKind.INTERVAL else ""
        print(store.say(clip, "c", sys.argv[3], kind, values[kind], subject=subject).uid, flush=True)
"""
"""Says something at random, and prints its uid once the store has acknowledged it."""

MERGER = """
import sys, uuid
from datetime import UTC, datetime
from pathlib import Path
from lsgui.annotation.store import AnnotationStore
from lsgui.core.reading import Statement, StatementKind
with AnnotationStore(Path(sys.argv[1])) as store:
    for batch in range(10**6):
        name = f"{sys.argv[2]}-{batch}"
        store.merge(
            Statement(uuid.uuid4().hex, f"{k:064x}", name, "AB", 1, StatementKind.LABEL, "", {"label": "ls_p"},
                      datetime.now(UTC), "1")
            for k in range(200)
        )
        print(name, flush=True)
"""
"""Merges two hundred statements at a time, and prints the name of each batch once it is in."""

OPENER = """
import sys
from pathlib import Path
from lsgui.annotation.store import AnnotationStore
print("now", flush=True)
with AnnotationStore(Path(sys.argv[1])) as store:
    print(len(store.history()), flush=True)
"""
"""Opens a store, which brings an old one up."""

KEEPER = """
import sys
from datetime import date, timedelta
from pathlib import Path
from lsgui.annotation.backup import daily_backup
from lsgui.annotation.store import AnnotationStore
with AnnotationStore(Path(sys.argv[1])) as store:
    for day in range(10**6):
        daily_backup(store, date(2026, 1, 1) + timedelta(days=int(sys.argv[2]) + day))
        print(day, flush=True)
"""
"""Makes one daily copy after another."""

OBEDIENT = """
import ctypes, os, sys
if sys.platform == "linux" and os.geteuid() == 0:  # an administrator who obeys permissions like anybody else
    header, words = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.capget(header, words) == 0
    words[0] &= ~0b110  # without CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
    assert libc.capset(header, words) == 0
"""

SAYS_WHAT_HAPPENS = """
import sys
from pathlib import Path
from lsgui.annotation.store import AnnotationStore
from lsgui.core.errors import LsguiError
try:
    with AnnotationStore(Path(sys.argv[1])) as store:
        store.save_reading("b" * 64, "c", "AB", "ls_p")
        print("saved")
except LsguiError as fault:
    print(fault)
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a program; its standard output is read by the test."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ran(code: str, *arguments: object) -> str:
    """Run a program to its end and return what it printed; a traceback is a failure."""
    child = start(code, *arguments)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    return out


def killed_after(child: subprocess.Popen[str], lines: int, then_s: float) -> list[str]:
    """Read lines of a program, wait a moment, kill it; return every whole line that it printed."""
    import time

    with child:
        assert child.stdout is not None
        read = [child.stdout.readline() for _ in range(lines)]
        time.sleep(then_s)
        child.kill()
        read += child.stdout.readlines()
    return [line.strip() for line in read if line.endswith("\n")]
