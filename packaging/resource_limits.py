"""Limits on what this process may take, where the system has such limits."""

import sys


def limit_files(most_bytes: int | None) -> None:
    """Let no file grow beyond so many bytes; None for no limit."""
    if sys.platform == "win32":
        raise NotImplementedError("this system has no limit on the size of files")
    import resource

    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY if most_bytes is None else most_bytes, hard))
