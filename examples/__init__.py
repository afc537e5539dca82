"""Examples of studies and of one's own models; run them from the repository's root."""
