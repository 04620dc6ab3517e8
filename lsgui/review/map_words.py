"""Why a heat map that is switched on is not there: one short phrase for the legend."""

from lsgui.review.state import AnalysisPhase, ReviewState


def why_no_map(state: ReviewState, quantity: str) -> str:
    """Return why there is no map of a quantity; empty where there is one, or no line that one could lie along."""
    if state.roi is None or quantity in state.analysis.maps:
        return ""
    phase = state.analysis.phase
    if phase is AnalysisPhase.RUNNING:
        return "being measured …"
    if phase is AnalysisPhase.DONE:
        return "could not be measured in this clip"
    return "not analysed yet: Enter"
