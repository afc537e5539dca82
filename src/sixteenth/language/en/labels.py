"""The fixed words of pages, figures and the terminal in English."""

from __future__ import annotations

from ...analysis.findings.types import Strength
from ..labels import FigureLabels, PageLabels, TerminalLabels

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
        "options": "What each option would add",
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
    from_start="Best: {}",
    no_options="No option has a known gain yet.",
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

TERMINAL = TerminalLabels(
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
    lever="lever",
    runs="runs left",
    plan="{left} of {planned} runs to train: about {time} on this machine{how}.",
    plan_most="With train.epochs: auto this is the most, up to {epochs} epochs; a run that levels "
    "off takes less.",
    together=", {} side by side",
    left_out="Left out by the budget, not failed: {}.",
    expected_comparison="Expected at {images} images and about {accuracy} accuracy: the difference "
    "of two networks to ±{width} points ({level} interval, another training).",
    expected_forecast="Expected of the gain from twice the images: ±{width} points ({level}).",
    plan_disk="Disk: {kept} to keep and {training} while a run trains, of {free} free.",
    epochs="{model}, weights: {init}, on {images} images; accuracy on {held} of them, which it was "
    "not trained on: {accuracies}.",
    epochs_at="{accuracy} after {epochs} epochs",
    epochs_enough="{epochs} epochs are enough for it: twice as many bought less than half a point. "
    "The study has {asked}. Larger parts get more steps from as many epochs.",
    epochs_few="Even the doubling to {epochs} epochs bought half a point or more: set train.epochs "
    "higher, or train.epochs=auto.",
    epochs_open="Whether more than these help cannot be told: the doubling to {epochs} epochs got "
    "{gained} more of these images right, as chance often does.",
    epochs_hint="Are {asked} epochs enough? One run tells: {command}",
    options="What could be had from it, the best first:",
    surer="What would make this surer:",
    step="{}. {}.",
    report="Report: {}",
    figure="Figure: {}",
)
