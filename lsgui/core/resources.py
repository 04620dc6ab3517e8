"""Where the files that travel with the program lie: icons, help, demo clips, trained models."""

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def _beside_or_inside(name: str) -> Path:
    inside = _PACKAGE / f"_{name}"  # an installed wheel carries the folder inside the package
    return inside if inside.is_dir() else _PACKAGE.parent / name


def resources_dir() -> Path:
    """Return the folder with icons, help and demo clips."""
    return _beside_or_inside("resources")


def model_dirs() -> tuple[Path, ...]:
    """Return the folders that are searched for model cards, the user's own (`LSGUI_MODELS`) first."""
    own = os.environ.get("LSGUI_MODELS")
    shipped = _beside_or_inside("trained_models")
    return (Path(own), shipped) if own else (shipped,)
