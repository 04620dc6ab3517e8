"""The model card: what a model is, what it wants, how far to trust it. Read without torch.

A card is a folder `trained_models/<id>/` with `model.json` (this file's `ModelCard`), `model.safetensors` (the
weights, absent for a model that has none) and `README.md`.
"""

import hashlib
import json
import logging
import math
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from lsgui.core.atomic_file import write_atomic
from lsgui.core.errors import ModelError
from lsgui.core.plain_file import check_plain, read_json, read_plain
from lsgui.core.prediction import ModelRef
from lsgui.core.resources import model_dirs

CARD_FILE = "model.json"
WEIGHTS_FILE = "model.safetensors"

InputKind = Literal["strip", "frame", "patches", "flow", "none"]
Role = Literal["verdict", "flow"]

WEIGHTS_BYTES = 2 << 30
"""The largest file of weights: the largest published network, CMWRA, has 1.3 GB."""
_CARD_BYTES = 4 << 20
_MOST_SIDE, _MOST_VALUES = 4096, 1 << 28
"""Of one sample of an input, in any direction and in all: eight times what the published networks see."""

LONGEST_TITLE = 120
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_TITLE)]
Words = Annotated[str, Field(max_length=4000)]

_LONGEST_KEY, _DEEPEST_KEY = 40, 4
"""Characters and parts of a place in a card that a sentence repeats."""

_log = logging.getLogger(__name__)


class ModelInput(BaseModel):
    """What a model is fed.

    Attributes
    ----------
    kind
        "strip": the pleural strip; "frame": the whole resized frame; "patches": squares below the pleura; "flow":
        flow fields of the frame; "none": no network (the motion index measures the strip itself).
    size
        Sizes of one sample without batch and channels, e.g. (frames, depth, columns); None where there is no network.
    window_s
        Seconds of clip that one sample spans; None where the model counts frames instead.

    Further keys that an architecture needs (steps, channels, ...) may be added.
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    kind: InputKind
    size: tuple[int, ...] | None = Field(default=None, max_length=4)
    window_s: float | None = Field(default=None, gt=0, le=3600)

    @field_validator("size")
    @classmethod
    def _is_a_size(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if value is not None and (not all(1 <= n <= _MOST_SIDE for n in value) or math.prod(value) > _MOST_VALUES):
            raise ValueError(f"a size is from 1 to {_MOST_SIDE} in each direction")
        return value


class Calibration(BaseModel):
    """How a logit becomes a probability: p = 1 / (1 + exp(-(logit + bias) / temperature))."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    temperature: float = Field(default=1.0, ge=1e-6, le=1e6)
    bias: float = Field(default=0.0, ge=-1e6, le=1e6)
    source: Words = ""


class ModelCard(BaseModel):
    """A validated card.

    Attributes
    ----------
    id, title, version
        The model's name on the command line, its name for people, and its version.
    architecture
        Name under which the network's builder is registered in `lsgui.models.base`; several cards may share one.
    input, preprocessing, hyperparameters
        What is cut from the clip, the constants of preprocessing, and what the builder needs.
    threshold, threshold_source, abstain
        Probability from which the verdict is ls_a, where it comes from, and the band (low, high) around it in which
        the answer is "cannot assess".
    calibration
        From logit to probability.
    parameters, published_parameters
        Counted from the built network; `published_parameters` from the paper's exact network, None where there is none.
    sha256, raft_sha256
        Hash of the weights file; empty for a model without weights. And of the RAFT weights beside it that
        `hyperparameters["raft"]` names; empty in older cards.
    architecture_only
        True for a published network that comes without weights: it is listed, and can be trained, but not asked.
    role
        "verdict": says whether the lung slides; "flow": measures motion for other models and is never asked itself.
    trained_on, metrics, command, seed, limits
        Where the weights come from, what was measured and what not to expect.
    folder
        Where the card lies (not part of the file).
    shipped
        True for a card that came with the program (not part of the file).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=80)
    title: Name
    version: Name
    architecture: Name
    input: ModelInput
    preprocessing: dict[str, Any] = Field(default_factory=dict)
    hyperparameters: dict[str, Any] = Field(default_factory=dict)
    threshold: float = Field(gt=0, lt=1)
    threshold_source: Words = Field(min_length=1)
    abstain: tuple[float, float]
    calibration: Calibration = Calibration()
    parameters: int = Field(ge=0)
    published_parameters: int | None = Field(default=None, ge=1)
    sha256: str = ""
    raft_sha256: str = ""
    architecture_only: bool = False
    role: Role = "verdict"
    trained_on: Words = ""
    metrics: dict[str, Any] = Field(default_factory=dict)
    command: Words = ""
    seed: int | None = None
    limits: tuple[Words, ...] = Field(default=(), max_length=100)
    folder: Path = Field(default=Path(), exclude=True)
    shipped: bool = Field(default=False, exclude=True)

    @field_validator("sha256", mode="before")
    @classmethod
    def _no_weights_is_empty(cls, value: Any) -> Any:
        return "" if value is None else value

    @field_validator("sha256", "raft_sha256")
    @classmethod
    def _is_a_hash(cls, value: str) -> str:
        if value and (len(value) != 64 or set(value) - set("0123456789abcdef")):
            raise ValueError("a hash is 64 hexadecimal digits")
        return value

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        low, high = self.abstain
        if not 0.0 <= low <= self.threshold <= high <= 1.0:
            raise ValueError("the abstain band must hold the threshold and lie within 0 and 1")
        if self.architecture_only and self.sha256:
            raise ValueError("a card that names weights is more than an architecture")
        if self.parameters and not self.sha256 and not self.architecture_only:
            raise ValueError("a model with parameters needs the sha256 of its weights")
        if self.input.kind == "none" and self.sha256:
            raise ValueError("a model without a network has no weights")
        return self

    @property
    def needs_weights(self) -> bool:
        """True for a network, False for a measure without weights."""
        return bool(self.sha256)

    @property
    def can_be_asked(self) -> bool:
        """True for a model that gives verdicts as it is."""
        return self.role == "verdict" and not self.architecture_only

    @property
    def weights_path(self) -> Path:
        """Where the weights lie."""
        return self.folder / WEIGHTS_FILE

    @property
    def ref(self) -> ModelRef:
        """What a prediction says of its model."""
        return ModelRef(self.id, self.version, self.sha256, self.title, self.trained_on)

    @property
    def raft_path(self) -> Path | None:
        """The file of RAFT's weights beside the card; None where the shipped ones are meant.

        Raises
        ------
        ModelError
            When the card names a file elsewhere, or one that is not what the card describes.
        """
        named = self.hyperparameters.get("raft")
        if named is None:
            return None
        path = self.folder / str(named)
        if Path(str(named)).name != str(named) or named == ".." or path.is_symlink():
            raise ModelError(f"Model {self.id}: its RAFT weights lie outside of its folder: put them beside its card.")
        if self.raft_sha256 and path.is_file() and hash_file(path) != self.raft_sha256:
            raise ModelError(
                f"Model {self.id}: {path.name} is not the file that its card describes (the hash differs): install the "
                "model again."
            )
        return path

    def read_weights(self) -> bytes:
        """Return the bytes of the weights file once they match the card's hash.

        Raises
        ------
        ModelError
            When the file is missing or is not the one that the card describes.
        """
        try:
            data = read_plain(self.weights_path, WEIGHTS_BYTES)
        except OSError as fault:
            raise self._no_weights(fault) from fault
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise ModelError(
                f"Model {self.id}: {self.weights_path} is not the file that its card describes (the hash differs): "
                "install the model again."
            )
        return data

    def weights_bytes(self) -> int:
        """Return how large the weights file is.

        Raises
        ------
        ModelError
            When there is none.
        """
        try:
            return check_plain(self.weights_path, WEIGHTS_BYTES)
        except OSError as fault:
            raise self._no_weights(fault) from fault

    def _no_weights(self, fault: OSError) -> ModelError:
        return ModelError(
            f"Model {self.id}: the weights {self.weights_path} cannot be read ({fault.strerror}): "
            "install the model again or choose another one."
        )

    def listing(self) -> dict[str, Any]:
        """Return the object that `lsgui models --json` prints for this model."""
        card = self.model_dump(mode="json")
        return {
            "id": self.id,
            "title": self.title,
            "version": self.version,
            "shipped": self.shipped
            and not self.architecture_only
            and (not self.needs_weights or self.weights_path.is_file()),
            "parameters": self.parameters,
            "published_parameters": self.published_parameters,
            "input": card["input"],
            "sha256": self.sha256,
            "trained_on": self.trained_on,
            "metrics": card["metrics"],
        }


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    check_plain(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_card(folder: Path, *, shipped: bool = False) -> ModelCard:
    """Read and validate `folder/model.json`.

    Raises
    ------
    ModelError
        One sentence that names the file and its first fault.
    """
    path = folder / CARD_FILE
    try:
        data = read_json(path, _CARD_BYTES)
    except OSError as fault:
        raise ModelError(f"{path}: the model card cannot be read ({fault.strerror}).") from fault
    except ValueError as fault:
        raise ModelError(f"{path} is not a JSON file: install the model again.") from fault
    if not isinstance(data, dict):
        raise ModelError(f"{path} is not a model card: it must be one JSON object.")
    try:
        return ModelCard.model_validate({**data, "folder": folder, "shipped": shipped})
    except ValidationError as fault:
        first = fault.errors()[0]
        where = ".".join(str(part)[:_LONGEST_KEY] for part in first["loc"][:_DEEPEST_KEY]) or "card"
        raise ModelError(f"{path} is not a valid model card ({where}: {first['msg']}): correct it.") from fault


def write_card(card: ModelCard, folder: Path) -> Path:
    """Write `folder/model.json` by temporary file and atomic replace; return its path."""
    path = folder / CARD_FILE
    text = json.dumps(card.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
    write_atomic(path, text.encode("utf-8"))
    return path


def scan_cards() -> tuple[dict[str, ModelCard], dict[str, ModelError]]:
    """Return the cards that can be used by id, and the faults of the others by folder name.

    The user's own folder (`LSGUI_MODELS`) comes first and wins over a shipped card of the same id.
    """
    cards: dict[str, ModelCard] = {}
    faults: dict[str, ModelError] = {}
    folders = model_dirs()
    for root in folders:
        for path in sorted(root.glob(f"*/{CARD_FILE}")):
            if path.parent.name in cards or path.parent.name in faults:
                continue
            try:
                card = read_card(path.parent, shipped=root == folders[-1])
            except ModelError as fault:
                faults[path.parent.name] = fault
                continue
            cards.setdefault(card.id, card)
    return cards, faults


def find_cards() -> dict[str, ModelCard]:
    """Return every model that can be asked, by id; a damaged card is named in the log and left out."""
    cards, faults = scan_cards()
    for fault in faults.values():
        _log.warning("%s", fault)
    return {name: card for name, card in cards.items() if card.can_be_asked}


def load_card(model: str | Path) -> ModelCard:
    """Return the card of one model.

    Parameters
    ----------
    model
        A model's id, or a folder that holds a card, such as that of a training run. An id wins over a folder.

    Raises
    ------
    ModelError
        When there is no such model, its card is damaged, it comes without weights or gives no verdict.
    """
    name = str(model)
    cards, faults = scan_cards()
    if name in faults:
        raise faults[name]
    card = cards.get(name) or _card_in_folder(Path(name), cards)
    if card.role != "verdict":
        raise ModelError(f"Model {name!r} measures motion and gives no verdict: choose one of {_usable(cards)}.")
    if card.architecture_only:
        raise ModelError(f"Model {name!r} comes without weights: train it, or choose one of {_usable(cards)}.")
    return card


def _card_in_folder(folder: Path, cards: dict[str, ModelCard]) -> ModelCard:
    folder = folder.parent if folder.name == CARD_FILE else folder
    try:
        there, is_folder = (folder / CARD_FILE).is_file(), folder.is_dir()
    except OSError as fault:
        raise ModelError(f"{folder}: the model cannot be read ({fault.strerror}): check who may read it.") from fault
    if there:
        return read_card(folder)
    if is_folder:
        raise ModelError(f"{folder} holds no {CARD_FILE}: name the folder of a model or one of {_usable(cards)}.")
    raise ModelError(f"There is no model called {str(folder)!r}: choose one of {_usable(cards)}.")


def _usable(cards: dict[str, ModelCard]) -> str:
    return ", ".join(name for name, card in cards.items() if card.can_be_asked) or "none"
