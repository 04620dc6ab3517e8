"""Heat map of speckle change: where the texture below the pleura changes more than the chest wall's."""

from lsgui.gui.overlays.base import OVERLAYS
from lsgui.gui.overlays.heatmap import HeatMap


@OVERLAYS.register("speckle_change")
class SpeckleHeatMap(HeatMap):
    """Decorrelation below the line minus that of the same clip's chest wall."""

    title = "Speckle change"
    hint = "Bright where the texture below the pleura changes more than the chest wall does, as it does in sliding."
    quantity = "speckle_change"
    caption = "Speckle change relative to chest wall"
    level = 20
    row = 20
