"""The words of the tables in English."""

from __future__ import annotations

from ...analysis.curves.crossover import CrossoverOutcome
from ...analysis.findings.overfitting import GapTrend
from ...analysis.findings.pretraining import GainSource
from ...analysis.findings.training_time import Order
from ..tables import TableLabels

_GAIN = ("Change, points", "95% interval")
TABLES = TableLabels(
    curves=(
        "What more images changed",
        ("Network", "Images", *_GAIN),
    ),
    doublings=(
        "What the last doubling of the images brought",
        ("Network", "Images", *_GAIN, "By images, by more steps"),
    ),
    sizes=(
        "Bigger against smaller model",
        (
            "From",
            "Images",
            "Difference, points",
            "95% interval",
            "p",
            "Detectable, points",
            "Ahead",
        ),
    ),
    gains_from_data=(
        "What more images brought the two models",
        (
            "From",
            "Images",
            "Smaller",
            "Bigger",
            "Bigger minus smaller",
            "95% interval",
            "The last step alone",
        ),
    ),
    crossovers=(
        "Whether one model overtakes the other, by the fitted curves",
        ("From", "Finding", "Images (90% interval)", "Probability within", "Beyond"),
    ),
    init_gains=(
        "What pretrained weights brought over {base}",
        ("Model", "Weights", "Images", "Gain, points", "95% interval"),
    ),
    init_gain_changes=(
        "How that changes with more images",
        ("Model", "Weights", "Images", *_GAIN),
    ),
    ahead_on_fewer=(
        "Ahead on fewer images",
        ("Model", "Ahead", "Behind", "Difference, points", "95% interval"),
    ),
    fit_and_gap=(
        "Where the gain of pretrained weights is made",
        ("Network", "Images", "Training accuracy", "Gap", "Mostly by"),
    ),
    first_epochs=(
        "Test accuracy after the first epoch",
        ("Model", "Weights", "Images", "With {base}", "With these"),
    ),
    worth=(
        "What pretrained weights are worth in images: times as many are needed with {base}",
        ("Model", "Weights", "Images", "Times as many", "90% interval"),
    ),
    classes=(
        "Classes with the lowest recall, by the best network; per_class.csv holds all",
        (
            "Class",
            "Training images of it",
            "Test images",
            "Recall",
            "95% interval",
        ),
    ),
    gaps=(
        "Training minus test accuracy",
        ("Network", "Images", "Gap, points", "With more images"),
    ),
    longer_training=(
        "{Test_accuracy} with more training steps",
        ("Network", "Images", "Steps", "{Test_accuracy}", "Last increase, points", "95% interval"),
    ),
    differences_by_length=(
        "Differences with more training steps",
        ("Compared", "For", "Images", "Steps", "Difference, points", *_GAIN, "Order"),
    ),
    options=(
        "What the options are worth, in points",
        ("What", "Per 1,000 labels", "Per hour", "Chance to be best", "Lost on average"),
    ),
    cannot_tell="cannot tell",
    not_separated="not separated",
    parts="{images}, {steps}",
    not_trained=" (not trained)",
    last_step="{gain} from {images} on",
    overtaking={
        CrossoverOutcome.INSIDE: "{ahead} overtakes within the measured sizes",
        CrossoverOutcome.INSIDE_UNCLEAR: "cannot tell within the measured sizes",
        CrossoverOutcome.STAYS_AHEAD: "{ahead} stays ahead",
        CrossoverOutcome.BEYOND: "{ahead} overtakes beyond the measured sizes",
        CrossoverOutcome.BEYOND_UNCLEAR: "not within the measured sizes; beyond cannot tell",
    },
    up_to="{probability} up to {images}",
    on_images="{init} on {images}: {accuracy}",
    sources={GainSource.FIT: "a better fit", GainSource.GAP: "a smaller gap"},
    trends={
        GapTrend.CANNOT_TELL: "cannot tell",
        GapTrend.LITTLE: "little changed",
        GapTrend.SMALLER: "smaller",
        GapTrend.LARGER: "larger",
    },
    against="{first} against {second}",
    orders={
        Order.SAME: "stays the same",
        Order.TURNS: "reverses",
        Order.CANNOT_TELL: "cannot tell",
    },
    hardly_fitted="; few images were hardly fitted",
    if_never_hurt="bounds {} if more images never hurt",
)
