"""What the two sides of the reading process say to each other. Frames themselves lie in shared blocks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lsgui.core.clip import ClipInfo
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import QualityFlag
from lsgui.decoding.shared_block import BlockShape

Colour = Literal["auto", "rgb", "ybr"]

# --- what is asked -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DecodeClip:
    """Decode a clip from its first frame to its last.

    Attributes
    ----------
    path, colour
        The clip, and how its samples are meant (`ReadOptions.colour`).
    budget_bytes
        Memory for frames; further ones go to a temporary file of each side.
    calm
        Rest after every frame until `Hurry` is said: nobody waits for this clip yet.
    """

    path: Path
    colour: Colour
    budget_bytes: int
    calm: bool = False


@dataclass(frozen=True, slots=True)
class LookAtClip:
    """Look at a clip: at the one decoded last where it is that, else it is decoded once more.

    Attributes
    ----------
    clip
        How it was decoded.
    survey
        Wanted are fingerprint, quality flags and scale.
    suggest
        Wanted is a pleural line, in the box `within` (x, y, width, height) where one is given.
    """

    clip: DecodeClip
    survey: bool
    suggest: bool
    within: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class PictureOf:
    """Make the small picture by which a list shows a clip, (width, height) pixels at most."""

    path: Path
    width: int
    height: int


Request = DecodeClip | LookAtClip | PictureOf


@dataclass(frozen=True, slots=True)
class Ask:
    """A request; its number grows with every one."""

    number: int
    request: Request


@dataclass(frozen=True, slots=True)
class Stop:
    """Nobody wants the answer to this request, nor to any before it."""

    number: int


@dataclass(frozen=True, slots=True)
class Hurry:
    """Somebody waits for the clip that is being decoded calmly."""


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Load what clips need, until one is asked for: nobody waits."""


@dataclass(frozen=True, slots=True)
class Forget:
    """Let go of the clip that was decoded last."""


# --- what is answered --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """The process runs."""


@dataclass(frozen=True, slots=True)
class Alive:
    """The work goes on."""


@dataclass(frozen=True, slots=True)
class BlockMade:
    """Frames will lie in this block; its handle is sent beside the message, or is this name."""

    shape: BlockShape
    name: str | None


@dataclass(frozen=True, slots=True)
class Opened:
    """The first frame is there."""

    info: ClipInfo


@dataclass(frozen=True, slots=True)
class FramesReady:
    """So many frames lie in the blocks, in their order."""

    frames: int


@dataclass(frozen=True, slots=True)
class FrameFollows:
    """The next message is one frame as bare bytes: the blocks are full."""


@dataclass(frozen=True, slots=True)
class Complete:
    """Every frame was sent; `info` is exact."""

    info: ClipInfo


@dataclass(frozen=True, slots=True)
class Known:
    """The fingerprint (SHA-256) of the clip's content."""

    content_hash: str


@dataclass(frozen=True, slots=True)
class NotKnown:
    """The fingerprint cannot be made: one sentence."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Surveyed:
    """Quality flags and scale, seen without weights."""

    quality: tuple[QualityFlag, ...]
    mm_per_px: float | None
    calibrated: bool


@dataclass(frozen=True, slots=True)
class LineFound:
    """The pleural line that was found, or None; `seconds` is the time that the search took."""

    roi: PleuralROI | None
    seconds: float


@dataclass(frozen=True, slots=True)
class PictureMade:
    """A small picture as a JPEG, and what the file says of its clip."""

    jpeg: bytes
    info: ClipInfo


@dataclass(frozen=True, slots=True)
class Refused:
    """The request ended without success.

    Attributes
    ----------
    sentence
        For the reader; empty where the request was stopped.
    fault, details
        Where it is the program's: what was raised in a few words, and its traceback.
    """

    sentence: str = ""
    fault: str = ""
    details: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """The request ended well."""


Reply = (
    Alive
    | BlockMade
    | Opened
    | FramesReady
    | FrameFollows
    | Complete
    | Known
    | NotKnown
    | Surveyed
    | LineFound
    | PictureMade
    | Refused
    | Done
)
