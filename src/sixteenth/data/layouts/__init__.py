"""The layouts in which images come; each module answers a `Found`."""
