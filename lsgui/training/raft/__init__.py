"""RAFT on simulated speckle."""
