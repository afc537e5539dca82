"""How runs are computed: cost, measured speeds, schedule. No executor is known here.

planner.py     decides how each run is computed, and makes the schedule
estimates.py   how long runs will take
executions.py  what the user asks for, and execution.json
machine.py     what planning asks about the machine where runs will be computed
calibration.py how fast a model trains on a machine, measured once
known.py       how fast runs were trained on this machine already
measured.py    what was measured of each network, for one schedule
schedule.py    which runs are trained at the same time, and in which order
budget.py      which runs fit into a given time
precision.py   how wide the intervals of an answer will be
cost.py        what a study costs, as a table
"""
