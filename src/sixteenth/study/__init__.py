"""Studies: the plan, the executors, the results table.

study.py     a study from its file to its report
plan.py      what it will cost
preflight.py what is checked before hours are spent
executor.py  how its runs get done
results.py   the tables derived from the run folders
listener.py  what a study tells while it works
"""

from .listener import Listener
from .study import Study

__all__ = ["Listener", "Study"]
