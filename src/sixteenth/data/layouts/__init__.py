"""Dataset layouts; the functions of each module return a `Found`."""
