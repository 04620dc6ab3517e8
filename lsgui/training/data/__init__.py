"""From a labelled folder to samples: rows, splits, balance, augmentation, cached pictures."""
