"""What a study shows, found by rules that can be read; frozen dataclasses, and no sentence.

types            what every finding is; sections
evidence         what is found first, and all of the following rest on
answer           what the verdict rests on
options          what could be had from the best network: images, model, weights, training
recommendation   what to do next from the best network
overview         the first screen: the verdict, the cards, the cautions
doubling         what the last doubling of the images bought: by images, and by more steps
advice           what there is, the options, and what would make them surer
target           what a wanted error takes
relation         accuracy, model size and training-set size; runs left out
over_sizes       two models, or two kinds of weights, at every size: one verdict wherever told
expectation      was the bigger model better, at which sizes
causes           where it was not as expected: what may be behind it, as what to test
explained        reasons that were tested: what each lever does to a difference
pretraining      what pretrained weights change, and what they are worth in images
diagnosis        over- and underfitting of single runs, each by one rule
overfitting      how the generalisation gap goes with the data
doubtful_labels  labels that all networks contradict; copies and leaked images
limits           what the numbers cannot say
analyse          `analyse`: all of it; the one call that a report needs
"""
