"""Physics into labelled clips: anatomy, motion, scanner, and data sets made of them."""

from lsgui.simulation.clip import SimulatedClip, simulate_clip
from lsgui.simulation.draw import random_spec
from lsgui.simulation.spec import ClipSpec

__all__ = ["ClipSpec", "SimulatedClip", "random_spec", "simulate_clip"]
