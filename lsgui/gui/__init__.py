"""The screen: PySide6 and pyqtgraph, never torch."""
