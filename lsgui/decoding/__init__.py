"""FILES → CLIPS, in a process of their own: a decoder that crashes, or a drive that stalls, takes nothing along."""
