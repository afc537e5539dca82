"""How a study was made, in English."""

from __future__ import annotations

from ..provenance import ProvenanceLabels

LABELS = ProvenanceLabels(
    names={
        "data": "Data",
        "fingerprint": "Fingerprint",
        "images": "Images",
        "checks": "Image checks",
        "classes": "Classes ({})",
        "subsets": "Subsets",
        "seeds": "Seeds",
        "trained": "Trained",
        "optimizer": "Optimiser",
        "reported": "Reported accuracy",
        "weights": "Initial weights",
        "machine": "Machine",
        "execution": "Execution",
        "versions": "Versions",
        "training": "Training",
    },
    comma=", ",
    semicolon="; ",
    stop=".",
    train_images="{} training images",
    test_images="{} test images",
    train_part="{} training",
    test_part="{} test",
    runs="{finished} of {planned} runs finished",
    one_run="{finished} of {planned} run finished",
    source="{data}, from {source}",
    checks={
        "skipped_broken": "{} left out as unreadable",
        "leaked_test_images": "{} of the test split also in the training split",
        "duplicates_within_train": "{} of the training split a copy of another",
        "duplicates_within_test": "{} of the test split a copy of another",
        "conflicting_labels": "{} under more than one label",
        "nearly_black": "{} of 16 bits nearly black",
        "cut_short": "{} that may stop early",
    },
    images="{} images",
    one_image="{} image",
    clean="no copies, no leaks from training to test, no image under two labels.",
    such=" Such as: {}.",
    more_classes="{shown} and {more} more",
    subsets="{sizes}. Stratified by class, {how}.",
    nested="nested: a larger part holds the smaller ones",
    disjoint="disjoint: the seeds get parts without a common image",
    optimizer="{name}, peak learning rate {rate}, weight decay {decay}",
    trained="the classifier alone: logistic regression on the features of the images as they are, "
    "its penalty chosen on a fifth of each training subset. The test set chose nothing.",
    weights="{arm}: SHA-256 {digest}",
    last_epoch="that of the last epoch",
    chosen_length="that of the last epoch, after as many as a validation part cut from the "
    "training subset chose",
    chosen_epoch="that of the epoch with the best accuracy on a validation part cut from the "
    "training subset",
    chosen_in_some="that of the last epoch in some runs, of the epoch that a validation part "
    "chose in others",
    test_chose_nothing=". The test set chose nothing.",
    cores="{} cores",
    threads="{} threads",
    one_thread="{} thread",
    several="{text} ({runs} runs)",
    in_all="{} in all",
    summed=", summed over {} runs",
    few_epochs="Test images were measured after {measured} of the {epochs} epochs of all runs.",
    sampled="Points of the test curves are measured on a sample of the {whole} test images, "
    "{fewest} or more; every number in the tables on all of them.",
    sampled_but_last="Points of the test curves before the last epoch are measured on a sample of "
    "the {whole} test images, {fewest} or more; the last point, and every number in the tables, on "
    "all of them.",
    train_measured="Training accuracies in the table are measured at the end on clean images: "
    "where the subset is larger, on {} images of it.",
    validation="{} of every training subset was held out as a validation part: the sizes count it, "
    "the training did not see it.",
    data_differ="The runs do not all see the same data: their fingerprints differ. Comparisons "
    "between them cannot be trusted.",
    one_only_row="The folder of one finished run is gone: its numbers are those of an earlier "
    "results.csv. Its training curves are not shown, and differences from it are judged without "
    "test predictions, which gives slightly wider intervals.",
    only_rows="The folders of {} finished runs are gone: their numbers are those of an earlier "
    "results.csv. Their training curves are not shown, and differences between them are judged "
    "without test predictions, which gives slightly wider intervals.",
)
