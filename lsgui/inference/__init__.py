"""A clip and a pleural line to a prediction."""
