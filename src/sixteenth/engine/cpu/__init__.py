"""What makes training on a CPU faster, to the same results."""
