"""What lies over the clip: one file an overlay."""
