"""``python -m sixteenth``: the same as the command ``sixteenth``."""

import sys

if __name__ == "__main__":
    # ``python -m`` looks for every module in the current folder first, and that may be a folder
    # from elsewhere with a matplotlib.py in it. A user's own factory is found there all the same:
    # see `models.zoo`.
    if not sys.flags.safe_path:
        del sys.path[0]

    from .cli.entry import main

    main()
