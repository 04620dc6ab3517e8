"""What the reader chose to see of the worklist, and what is known of its clips beside their names."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.core.prediction import QualityFlag


class ListFilter(StrEnum):
    """Which clips are listed. The values are kept on disk."""

    ALL = "all"
    UNLABELLED = "unlabelled"
    LS_P = "ls_p"
    LS_A = "ls_a"
    CANNOT_ASSESS = "cannot_assess"
    LUNG_POINT = "lung_point"
    FLAGGED = "flagged"
    AI_DISAGREES = "ai_disagrees"
    RATERS_DISAGREE = "raters_disagree"
    UNREADABLE = "unreadable"

    @property
    def wording(self) -> str:
        """The words of the menu."""
        return _FILTER_WORDS[self]

    @property
    def short(self) -> str:
        """The words of the button, where there is little room."""
        return _SHORT.get(self, self.wording)

    @property
    def nothing(self) -> str:
        """What is said where no clip is listed."""
        return _NOTHING[self]

    @property
    def tells_of_others(self) -> bool:
        """True where the filter could tell a blind reader what the AI or another rater said."""
        return self in (ListFilter.AI_DISAGREES, ListFilter.RATERS_DISAGREE)


class ListOrder(StrEnum):
    """In which order clips are listed and read. The values are kept on disk."""

    NATURAL = "natural"
    RANDOM = "random"
    UNCERTAIN = "uncertain"
    DISAGREEMENT = "disagreement"

    @property
    def wording(self) -> str:
        """The words of the menu."""
        return _ORDER_WORDS[self]

    @property
    def short(self) -> str:
        """The words of the button, where there is little room."""
        return _SHORT_ORDER.get(self, self.wording)

    @property
    def tells_of_others(self) -> bool:
        """True where the order could tell a blind reader what the AI or another rater said."""
        return self in (ListOrder.UNCERTAIN, ListOrder.DISAGREEMENT)


_FILTER_WORDS: Mapping[ListFilter, str] = MappingProxyType(
    {
        ListFilter.ALL: "All clips",
        ListFilter.UNLABELLED: "Unlabelled",
        ListFilter.LS_P: "Present",
        ListFilter.LS_A: "Absent",
        ListFilter.CANNOT_ASSESS: "Cannot assess",
        ListFilter.LUNG_POINT: "Lung point",
        ListFilter.FLAGGED: "Flagged quality",
        ListFilter.AI_DISAGREES: "AI disagrees with you",
        ListFilter.RATERS_DISAGREE: "Raters disagree",
        ListFilter.UNREADABLE: "Cannot be read",
    }
)
_NOTHING: Mapping[ListFilter, str] = MappingProxyType(
    {
        ListFilter.ALL: "No clip has such a name.",
        ListFilter.UNLABELLED: "Every clip has a label.",
        ListFilter.LS_P: "You have read no clip as present.",
        ListFilter.LS_A: "You have read no clip as absent.",
        ListFilter.CANNOT_ASSESS: "You have read no clip as cannot assess.",
        ListFilter.LUNG_POINT: "You have read no clip as lung point.",
        ListFilter.FLAGGED: "No clip that was analysed is flagged.",
        ListFilter.AI_DISAGREES: "The AI disagrees with none of your labels.",
        ListFilter.RATERS_DISAGREE: "Raters disagree on no clip.",
        ListFilter.UNREADABLE: "Every clip that was looked at can be read.",
    }
)
_ORDER_WORDS: Mapping[ListOrder, str] = MappingProxyType(
    {
        ListOrder.NATURAL: "By name",
        ListOrder.RANDOM: "Random",
        ListOrder.UNCERTAIN: "AI least sure first",
        ListOrder.DISAGREEMENT: "Disagreement first",
    }
)
_SHORT: Mapping[ListFilter, str] = MappingProxyType(
    {
        ListFilter.FLAGGED: "Flagged",
        ListFilter.AI_DISAGREES: "AI disagrees",
        ListFilter.RATERS_DISAGREE: "Raters differ",
        ListFilter.UNREADABLE: "Unreadable",
    }
)
_SHORT_ORDER: Mapping[ListOrder, str] = MappingProxyType(
    {ListOrder.UNCERTAIN: "AI unsure", ListOrder.DISAGREEMENT: "Disputed"}
)


@dataclass(frozen=True, slots=True)
class ListChoice:
    """What the reader chose: which clips, in which order.

    Attributes
    ----------
    seed
        Of the random order: the same seed gives the same order on every machine and at every start.
    search
        Words that have to be in the name.
    grouped
        Whether studies and folders have headings, in the order by name.
    folded
        Keys of the groups that are folded.
    stays
        True where the clip on screen stays listed whatever becomes of it: it was listed when the reader turned to it,
        and must not vanish under a new label.
    """

    filter: ListFilter = ListFilter.ALL
    order: ListOrder = ListOrder.NATURAL
    seed: int = 1
    search: str = ""
    grouped: bool = True
    folded: frozenset[str] = frozenset()
    stays: bool = True


@dataclass(frozen=True, slots=True)
class ClipPlace:
    """Where a DICOM instance belongs.

    Attributes
    ----------
    study
        A keyed hash: it groups, and tells nothing else.
    rank
        What orders the instances of a study: number of the series, keyed hash of the series, number of the instance.
    """

    study: str
    rank: tuple[int, str, int] = (0, "", 0)


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """What the store knows of a clip beside the reader's own label. None of it may reach a blind reader too early.

    Attributes
    ----------
    verdict, uncertainty
        What the AI last said of the clip, and how unsure it was, 0 to 1; None where it was never asked.
    flags
        Reasons to trust that answer less.
    others
        What other raters said: one label a rater, in the order of their names.
    settled
        True where an adjudication settled the raters' disagreement.
    """

    verdict: SlidingLabel | None = None
    uncertainty: float | None = None
    flags: frozenset[QualityFlag] = frozenset()
    others: tuple[ReaderLabel, ...] = ()
    settled: bool = False


NO_FACTS = EntryFacts()
