"""What the human said: the annotation store."""
