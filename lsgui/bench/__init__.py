"""What this machine does with the program: every figure beside its reference, timed in the same run."""
