"""Heat map of flow: how fast the lung moves relative to the chest wall."""

from lsgui.gui.overlays.base import OVERLAYS
from lsgui.gui.overlays.heatmap import HeatMap


@OVERLAYS.register("flow")
class FlowHeatMap(HeatMap):
    """Speed of the lung relative to the chest wall, in mm/s where the scale is known."""

    title = "Flow"
    hint = "Speed of the lung relative to the chest wall: shows motion to a person, does not decide."
    quantity = "flow"
    ramp = "frost"
    caption = "Lung speed relative to chest wall"
    level = 21
    row = 30
