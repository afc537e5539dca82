"""The fixed words of pages, figures and terminal tables in English."""

from __future__ import annotations

from ...analysis.findings.types import Strength
from ..labels import FigureLabels, PageLabels, TableLabels

PAGE = PageLabels(
    kicker="Sixteenth · study report",
    answer="The answer",
    results="Results",
    model="Model",
    init="Initial weights",
    train_size="Training images",
    seed="Seed",
    test_accuracy="Test accuracy",
    interval="95% interval",
    train_accuracy="Training accuracy",
    gap="Gap, points",
    parameters="Parameters",
    parameters_of=", {} parameters",
    train_flops="Training FLOPs",
    time="Time",
    mean_of="mean of {}",
    fits="Fitted learning curves",
    arm="Model, initial weights",
    alpha="Alpha",
    eta="Eta",
    gamma="Gamma",
    data_reliance="Data reliance, points",
    forecast="Error on twice the images",
    curves="Training curves",
    discussion="Discussion",
    suspects="Test images whose label is in doubt",
    suspect="Test image",
    given_label="Given label",
    predicted_label="All networks say",
    confidence="Mean confidence",
    suspects_note="The most confident of them; images are counted from 0 in the order of the test "
    "set.",
    made="How this was made",
    study_file="The study file",
    again="To do it again, save this as {file} and run {command}.",
    made_by="Made by Sixteenth {} from the run folders of this study.",
    titles={
        "accuracy": "Dataset size against test accuracy",
        "options": "What each next step buys",
        "loss-curves": "Loss over training",
        "accuracy-curves": "Accuracy over training",
    },
    strengths={
        Strength.MEASURED: "",
        Strength.SUGGESTIVE: "suggestive",
        Strength.CANNOT_TELL: "cannot tell",
        Strength.NOTE: "",
    },
)

FIGURES = FigureLabels(
    train_size="Training images, log scale",
    fractions="part of the training set",
    test_accuracy="Test accuracy",
    test_error="Test error",
    forecast="forecast",
    no_accuracy="No run has finished yet, so there is no accuracy to show.",
    gain="Gain in test accuracy, percentage points",
    from_start="From {}",
    no_moves="No two finished cells can be compared yet.",
    epoch="Epoch",
    step="Optimiser step",
    images="{} images",
    curve_lines={
        "loss": ("test loss", "training loss"),
        "accuracy": ("test accuracy", "training accuracy"),
    },
    clean="training, clean images at the end",
    not_planned="not part of the study",
    learning_curves="Learning curves",
    new_training="{} interval of the error that a new training would measure; dashed: extrapolated",
)

TABLES = TableLabels(
    model="model",
    init="weights",
    fraction="part",
    train_size="images",
    seed="seed",
    test_accuracy="test",
    interval="95% interval",
    train_accuracy="train",
    gap="gap",
    parameters="params",
    time="time",
    train_flops="training",
    steps="steps",
    threads="threads",
    disk="disk",
    status="status",
)
