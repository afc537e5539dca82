"""Learning curves: error against training-set size, beyond what was measured, with intervals.

points          the measured points: checked, averaged, and what is odd about them
power_laws      power laws on a grid, each with its probability
posterior       what the points say: a mixture of power laws, and what real curves do besides
learning_curve  `fit_learning_curve`: the curve of one model, from plain numbers
joint           draws of all curves of a study together, as they share their test images
shrinkage       the errors of cells that are chosen for what they measured
crossover       where one curve overtakes another, and the images it needs for the other's error
forecast        the next doubling, crossovers, pretraining in images: read off the joint draws
"""
