"""``python -m sixteenth``: the same as the command ``sixteenth``."""

from .cli import main

main()
