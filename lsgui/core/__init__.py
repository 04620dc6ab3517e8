"""The nouns: clip, pleural line, strip, label, prediction. Numpy only."""
