"""Part of the analysis."""
