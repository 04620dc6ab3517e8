"""What code can do that a file or a name from elsewhere could abuse, found in the syntax tree."""

import ast
from collections.abc import Iterator
from pathlib import Path

RUNS_WHAT_IT_READS = {
    *("pickle", "_pickle", "cPickle", "shelve", "marshal", "dill", "joblib", "cloudpickle", "dbm", "copyreg", "yaml"),
    *(
        "code",
        "codeop",
        "runpy",
        "pty",
        "xmlrpc",
        "pandas",
        "torch.package",
        "torch.jit",
        "torch.hub",
        "torch.utils.data",
    ),
}
TALKS_TO_OTHERS = {
    *("socket", "ssl", "asyncio", "urllib.request", "urllib.error", "http", "requests", "httpx", "aiohttp", "urllib3"),
    *("ftplib", "smtplib", "imaplib", "poplib", "telnetlib", "socketserver", "webbrowser", "distributed", "dask"),
    *(
        "PySide6.QtNetwork",
        "PySide6.QtWebEngineWidgets",
        "PySide6.QtWebEngineCore",
        "PySide6.QtWebSockets",
        "pynetdicom",
    ),
    *("torch.distributed", "multiprocessing.managers", "multiprocessing.connection", "huggingface_hub"),
}
STARTS_PROGRAMS = {"subprocess", "multiprocessing", "concurrent.futures", "ctypes", "cffi"}
UNPACKS = {"zipfile", "tarfile", "py7zr", "rarfile"}
WATCHED = RUNS_WHAT_IT_READS | TALKS_TO_OTHERS | STARTS_PROGRAMS | UNPACKS

BUILT_IN = {"eval", "exec", "compile", "__import__", "execfile", "input"}
OF_OS = {"system", "popen", "startfile", "fork", "forkpty"} | {
    f"{verb}{kind}"
    for verb in ("exec", "spawn", "posix_spawn")
    for kind in ("", "l", "le", "lp", "lpe", "v", "ve", "vp", "vpe", "p")
}
CALLS = {
    *(
        "import_module",
        "load_module",
        "exec_module",
        "extractall",
        "unpack_archive",
        "make_archive",
        "mktemp",
        "openUrl",
    ),
    *("enable_load_extension", "load_extension", "read_pickle", "to_pickle", "load_state_dict_from_url", "getaddrinfo"),
    *("urlopen", "urlretrieve", "create_connection", "create_server"),
}
MUST_SAY = {
    "torch.load": ("weights_only", "True"),
    "np.load": ("allow_pickle", "False"),
    "numpy.load": ("allow_pickle", "False"),
}
NEVER = {
    ("shell", "True"),
    ("weights_only", "False"),
    ("allow_pickle", "True"),
    ("trust_remote_code", "True"),
    ("pretrained", "True"),
}


def dangers_in(path: Path) -> set[str]:
    """Return what a file does of all this, each thing once: the module, call or argument."""
    return set(_found(ast.parse(path.read_text(encoding="utf-8"))))


def _found(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name for alias in node.names if (name := _watched(alias.name)))
        elif isinstance(node, ast.ImportFrom):
            yield from _imported_from(node)
        elif isinstance(node, ast.Call):
            yield from _called(node)
        elif isinstance(node, ast.Attribute):
            whole = ast.unparse(node)
            if whole in WATCHED:
                yield whole
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in WATCHED - {"code"}:
            yield f"the name {node.value!r}"  # imported late, by its name


def _watched(module: str) -> str:
    parts = module.split(".")
    return next((name for k in range(len(parts), 0, -1) if (name := ".".join(parts[:k])) in WATCHED), "")


def _imported_from(node: ast.ImportFrom) -> Iterator[str]:
    for alias in node.names:
        name = _watched(f"{node.module}.{alias.name}")
        if name and not node.level:
            yield name
        if alias.name in BUILT_IN | CALLS or (node.module == "os" and alias.name in OF_OS):
            yield f"{node.module}.{alias.name}"


def _called(node: ast.Call) -> Iterator[str]:
    whole = ast.unparse(node.func)
    owner, _, name = whole.rpartition(".")
    said = {(word.arg, ast.unparse(word.value)) for word in node.keywords}
    yield from (f"{word}={value}" for word, value in said & NEVER)
    if (not owner and name in BUILT_IN) or name in CALLS or (owner == "os" and name in OF_OS):
        yield whole if owner in ("os", "") else name
    wanted = MUST_SAY.get(whole)
    if wanted is not None and wanted not in said:
        yield f"{whole} without {wanted[0]}={wanted[1]}"
