"""Physics into labelled clips: anatomy, motion, scanner, and data sets made of them."""
