"""What is said of a clip: the verdict's three answers and the reader's four."""

from enum import StrEnum


class SlidingLabel(StrEnum):
    """The verdict of the program. Its wording on screen is fixed (`wording`)."""

    LS_P = "ls_p"
    LS_A = "ls_a"
    CANNOT_ASSESS = "cannot_assess"

    @property
    def wording(self) -> str:
        """The words a reader sees."""
        return _WORDING[self.value]


class ReaderLabel(StrEnum):
    """What a person says of a clip; kept apart from the program's verdict everywhere."""

    LS_P = "ls_p"
    LS_A = "ls_a"
    CANNOT_ASSESS = "cannot_assess"
    LUNG_POINT = "lung_point"

    @property
    def wording(self) -> str:
        """The words on the reading button."""
        return _READER_WORDING[self.value]


_WORDING = {
    "ls_p": "Lung sliding present",
    "ls_a": "Lung sliding absent",
    "cannot_assess": "Cannot assess",
}
_READER_WORDING = {"ls_p": "Present", "ls_a": "Absent", "cannot_assess": "Cannot assess", "lung_point": "Lung point"}

CANNOT_ASSESS_ADVICE = "The AI has ruled nothing out: read the clip or scan again."
RESEARCH_LINE = "Research use only. Not a medical device."
TRAINING_LINE = "Trained on simulated and edited clips: not validated on patients"
