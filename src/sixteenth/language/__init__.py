"""Numbers into words."""
