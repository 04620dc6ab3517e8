"""Tasks for the tests of the worker pool; found by name in worker processes."""

import faulthandler
import os
import time

from lsgui.core.errors import LsguiError


def make(setup, threads):
    if setup == "refuse":
        raise LsguiError("the setup is no good: choose another one.")
    if setup == "die":
        os._exit(5)
    if setup == "limits":
        return lambda _task, _tell: (os.environ["OMP_NUM_THREADS"], threads)
    return work


def work(task, tell):
    tell("begun", 0.5)
    match task:
        case "crash":
            faulthandler._sigsegv()  # a native crash
        case "exit":
            os._exit(7)
        case "raise":
            raise ValueError("no such thing")
        case "print":
            os.write(1, b"noise")
            os.write(2, b"noise")
        case float():
            time.sleep(task)
    return task, os.getpid()
