"""The screen: PySide6, never torch."""
