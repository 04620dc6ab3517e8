"""Faults of the machine."""

ACTS = {}
