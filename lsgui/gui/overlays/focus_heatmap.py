"""Heat map of focus: which places the network's answer rests on, and for which of the two answers they spoke."""

from lsgui.core.motion_map import MotionMap
from lsgui.gui.overlays.base import OVERLAYS
from lsgui.gui.overlays.heatmap import HeatMap
from lsgui.review.heat_style import HeatStyle
from lsgui.review.state import AnalysisPhase, ReviewState


@OVERLAYS.register("focus")
class FocusHeatMap(HeatMap):
    """What each place added to the network's answer, above and below the line, in the colours of the two verdicts."""

    title = "Network focus"
    hint = "Where the network looked, and for which answer each place spoke: no proof that the answer is right."
    quantity = "focus"
    ramp = "verdicts"
    caption = "Where the network looked"
    level = 22
    row = 32

    @classmethod
    def missing(cls, state: ReviewState) -> str:
        """Return what makes the map: it does not come with the verdict."""
        analysis = state.analysis
        if analysis.map_work is not None and analysis.map_work.wanted == "focus":
            return ""  # its progress is shown
        prediction = analysis.prediction
        if analysis.phase is AnalysisPhase.DONE and prediction is not None:
            return "not computed yet: G computes it" if prediction.model.sha256 else "the motion index is no network"
        return super().missing(state)

    @classmethod
    def scale_words(cls, motion: MotionMap) -> tuple[str, str, str] | None:
        """Return the answers that the two ends speak for."""
        return "for present", "0", "for absent"

    @classmethod
    def ramp_for(cls, style: HeatStyle) -> str:
        """Return the verdict colours: the two ends are answers, not more and less."""
        return cls.ramp
