"""lsgui: lung sliding in ultrasound clips, read by a network and shown on the picture."""

__version__ = "0.1.0"
