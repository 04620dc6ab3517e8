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


def own_models_dir() -> Path:
    """Return the folder for models that the user added (`lsgui.models.adoption`); it need not be there."""
    home = os.environ.get("LSGUI_HOME")
    if home:
        return Path(home) / "data" / "models"
    import platformdirs  # here: only whoever looks for models needs it

    return Path(platformdirs.user_data_dir("lsgui", appauthor=False)) / "models"


def model_dirs() -> tuple[Path, ...]:
    """Return the folders that are searched for model cards: `LSGUI_MODELS`, the user's own models, the shipped ones."""
    named = os.environ.get("LSGUI_MODELS")
    added = own_models_dir()
    shipped = _beside_or_inside("trained_models")
    return (*((Path(named),) if named else ()), *((added,) if added.is_dir() else ()), shipped)
