"""Files to clips: one file a format."""
