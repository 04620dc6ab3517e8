"""Physics to labelled clips."""
