"""How sure the accuracies of a study and their differences are.

spread        how far another measurement may lie: over test images and over trainings
intervals     intervals of accuracies, and the tables that show them
paired        differences between cells, paired by test image
significance  Holm's correction for several comparisons
per_class     the recall of each class, with its interval
measures      what the test predictions of one network say besides its accuracy
"""
