"""What can be seen in a clip without weights."""
