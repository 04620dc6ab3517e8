"""Loaded by every Python of a test before anything else: notes each use of the network in the file NETWORK_GUARD.

Python tells what it asks of sockets (audit events). What a native library opens on its own shows among the open files
of the process, which are looked at again and again (Linux).
"""

import os
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

NOTES = Path(os.environ["NETWORK_GUARD"])
LOCAL = {getattr(socket, "AF_UNIX", None)}
NAMES = {"getaddrinfo", "gethostbyname", "gethostbyaddr", "getnameinfo", "sethostname"}
INTERNET = ("tcp", "tcp6", "udp", "udp6", "raw", "raw6")
_inside = threading.local()


def note(what: str) -> None:
    with NOTES.open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()} {what} {' '.join(sys.argv[:4])}\n")


def hear(event: str, arguments: tuple[object, ...]) -> None:
    if not event.startswith("socket.") or getattr(_inside, "busy", False):
        return
    _inside.busy = True
    try:
        kind = event.partition(".")[2]
        sock = arguments[0] if arguments else None
        if kind in NAMES:
            note(f"{event} {arguments[:2]!r}")
        elif kind == "__new__" and arguments[1] not in LOCAL:
            note(f"{event} family {arguments[1]!r}")
        elif kind in ("connect", "bind", "sendto", "sendmsg") and getattr(sock, "family", None) not in LOCAL:
            note(f"{event} {arguments[1:]!r}")
    finally:
        _inside.busy = False


def own_files() -> set[str]:
    """Return what the open files of this process are called."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # it was closed meanwhile
            found.add(str(entry.readlink()))
    return found


def look() -> None:
    """Note the internet sockets among the files that this process holds open."""
    while True:
        own = own_files()
        for table in INTERNET:
            path = Path("/proc/self/net", table)
            for row in path.read_text(encoding="ascii").splitlines()[1:] if path.exists() else ():
                if f"socket:[{row.split()[9]}]" in own:
                    note(f"an open {table} socket {row.split()[1:3]}")
        time.sleep(0.05)


note("watched")
sys.addaudithook(hear)
if Path("/proc/self/net").is_dir():
    threading.Thread(target=look, name="network guard", daemon=True).start()
