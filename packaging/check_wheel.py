"""Build the wheel, install it away from the checkout, and start the program from there as a user would.

    .venv/bin/python packaging/check_wheel.py

The new environment borrows the installed dependencies of the one that runs this script, so that nothing is downloaded
twice; lsgui itself can only come from the wheel, for the borrowed checkout is shut out.
"""

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CARRIED = ("lsgui/py.typed", "lsgui/_resources/demo/demo.json", "lsgui/_trained_models/")


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a command that must succeed; return what it printed."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, stdout=subprocess.PIPE, text=True, check=False, timeout=600
    )
    if done.returncode != 0:
        raise SystemExit(f"check_wheel: {' '.join(map(str, command[:6]))} ended with status {done.returncode}")
    return done.stdout


def build(folder: Path) -> Path:
    """Build the wheel into `folder` and check that all that travels with the program is in it."""
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    demos = json.loads((ROOT / "resources" / "demo" / "demo.json").read_text(encoding="utf-8"))
    wanted = [*CARRIED, *(f"lsgui/_resources/demo/{demo['file']}" for demo in demos)]
    missing = [part for part in wanted if not any(name.startswith(part) for name in names)]
    stray = [name for name in names if name.startswith(("tests/", "packaging/")) or "__pycache__" in name]
    if missing or stray:
        raise SystemExit(f"check_wheel: the wheel lacks {missing} and should not hold {stray}")
    say(f"{wheel.name}: {len(names)} files, {wheel.stat().st_size / 1e6:.1f} MB")
    return wheel


def install(wheel: Path, folder: Path) -> Path:
    """Install the wheel into a new environment that sees the dependencies of this one; return its scripts folder."""
    venv = folder / "venv"
    run(sys.executable, "-m", "venv", venv, cwd=folder)
    scripts = venv / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / ("python.exe" if os.name == "nt" else "python")
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(site, "borrowed.pth").write_text("\n".join(sorted(borrowed)), encoding="utf-8")  # names, not their .pth files
    return scripts


def start(scripts: Path, folder: Path) -> None:
    """Start the installed program: version, models, every demo clip, and the window on one of them."""
    home = folder / "home"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LSGUI_", "PYTHONPATH"))}
    env |= {"LSGUI_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
    lsgui, python = scripts / "lsgui", scripts / "python"
    say(run(lsgui, "--version", cwd=folder, env=env).strip())
    models = json.loads(run(lsgui, "models", "--json", cwd=folder, env=env))
    if not any(model["shipped"] for model in models):
        raise SystemExit("check_wheel: no model is shipped")
    say(f"{len(models)} models, shipped: {', '.join(model['id'] for model in models if model['shipped'])}")
    find = "from lsgui.core.resources import resources_dir; print(resources_dir() / 'demo')"
    demo = Path(run(python, "-P", "-c", find, cwd=folder, env=env).strip())
    if ROOT in demo.parents:
        raise SystemExit(f"check_wheel: the program that ran is the checkout's, not the wheel's ({demo})")
    for entry in json.loads((demo / "demo.json").read_text(encoding="utf-8")):
        facts = json.loads(run(lsgui, "info", demo / entry["file"], "--json", cwd=folder, env=env))
        say(f"{entry['file']}: {facts['frames']} frames at {facts['fps']:.1f}/s")
    picture = folder / "window.png"
    run(lsgui, "open", demo / "sliding.mp4", "--screenshot", picture, cwd=folder, env=env)
    if picture.read_bytes()[:4] != b"\x89PNG":
        raise SystemExit("check_wheel: the window left no picture of an analysed clip")
    say(f"window: opened, analysed a clip in its worker, closed; picture of {picture.stat().st_size / 1e3:.0f} kB")


def say(sentence: str) -> None:
    """Tell how far the check has come."""
    print("check_wheel: " + sentence, flush=True)


def main() -> None:
    """Run the whole check in a folder that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="lsgui-wheel-") as name:
        folder = Path(name)
        start(install(build(folder), folder), folder)


if __name__ == "__main__":
    main()
