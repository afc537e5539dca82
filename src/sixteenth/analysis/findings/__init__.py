"""What a study shows, found by rules that can be read; frozen dataclasses, and no sentence.

types            what every finding is; sections
evidence         what is found first, and all of the following rest on
answer           what the verdict rests on
cautions         what could overturn the verdict
options          one thing to do next from the best network, and what is known of it
compare_options  all that could be had from it: images, model, weights, training
measured_options options that were trained
forecast_options options that nobody trained, forecast from fitted curves
recommendation   what to do next from the best network
overview         the first screen: the verdict, the cards, the cautions
doubling         what the last doubling of the images bought: by images, and by more steps
advice           what there is, the options, and what would make them surer
target           what a wanted error takes
cost             what more trainings would take
relation         accuracy, model size and training-set size; runs left out
missing_runs     runs without a result, and those stopped before their end
over_sizes       two models, or two kinds of weights, at every size: one verdict wherever told
expectation      was the bigger model better, at which sizes
causes           where it was not as expected: what may be behind it, as what to test
levers           what is changed to test a reason, and the runs of it
explained        reasons that were tested: what each lever does to a difference
lever_effects    finds that from the runs of the levers
pretraining      what pretrained weights change, and what they are worth in images
diagnosis        over- and underfitting of single runs, each by one rule
not_converged    training that had not ended
training_curves  how training accuracy moved at the end of training
training_time    what longer training changes
overfitting      how the generalisation gap goes with the data
per_class        the classes that need images most
doubtful_labels  labels that all networks contradict; copies and leaked images
limits           what the numbers cannot say
analyse          `analyse`: all of it; the one call that a report needs
"""
