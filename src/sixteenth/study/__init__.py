"""Studies: the plan, the executors, the results table.

study.py     a study from its file to its report
training.py  what is left of it: checked, scheduled, trained
images.py    its images, as its runs were begun with them
reading.py   what its folder tells: tables, findings, figures, the report
preflight.py what is checked before hours are spent
interim.py   the tables and the report while runs are trained
planning/    what it costs, how its runs are computed, and in which order
executors/   where its runs are trained
results.py   the tables derived from the run folders
listener.py  what a study tells its caller while it works
"""

from .listener import Listener
from .study import Study

__all__ = ["Listener", "Study"]
