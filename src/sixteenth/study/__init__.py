"""Studies: the plan, the executors, the results table.

study.py         a study from its file to its report
quick.py         a study of frozen features, for `sixteenth quick`
epochs.py        how many epochs are enough, before a long study begins
training.py      what is left of it: checked, scheduled, trained
images.py        its images, as its runs were begun with them
moved.py         its images, where they have moved since
class_images.py  how many of them each class has in a fraction
reading.py       what its folder tells: tables, findings, figures, the report
preflight.py     what is checked before hours are spent
interim.py       the tables and the report while runs are trained
pace.py          how often these are written
planning/        what it costs, how its runs are computed, and in which order
executors/       where its runs are trained
results.py       the tables derived from the run folders
predictions.py   what test predictions tell, for these tables
kept.py          results of runs whose folders are gone
explain.py       trains what tells a reason, for `sixteenth explain`
levers.py        what it changes to that end
sub_study.py     runs that belong to another study: those of a lever, and controls
listener.py      what a study tells its caller while it works
tensorboard.py   event files of its runs, for TensorBoard
export/          what leaves for other tools
"""

from .listener import Listener
from .study import Study

__all__ = ["Listener", "Study"]
