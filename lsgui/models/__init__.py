"""The networks and their cards."""
