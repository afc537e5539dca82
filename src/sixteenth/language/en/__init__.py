"""English.

words       models, initial weights and cells as parts of sentences
overview    the first screen of a report
cautions    what could overturn the verdict
tables      findings of one shape, as a table
answer      the answer in sentences
advice      what there is, what a wanted error takes, what to do next
options     what could be had from the best network
doubling    what the last doubling of the images bought
relation    accuracy, model and data; runs left out
diagnosis   what single runs show, and by which rules
overfitting gaps, losses that rise, too few steps
per_class   the classes that need images most
data        doubtful labels, copies and leaked images
limits      what the numbers cannot say
training_time   what longer training changes
pretraining what pretrained weights change
expectation whether the bigger model was better
causes      why it was not, and what would test it
explained   why it was not, as far as it was tested
curves      fitted learning curves and their warnings
captions    what is said of figures and tables
labels      fixed words of pages, figures and tables
numbers     numbers in sentences
provenance  how a study was made
understood  what data and weights were taken for
"""

from __future__ import annotations

from ..base import Language
from ..provenance import ProvenanceText
from ..understood import UnderstoodText
from . import overview, provenance, understood
from .captions import EnglishCaptions
from .labels import FIGURES, PAGE, PROGRESS, TERMINAL, TITLES, WATCH
from .numbers import NUMBERS
from .tables import TABLES
from .words import Words


class English(Language):
    """English with the names of one study."""

    tag = "en"
    sample = "Aa"
    words: Words
    words_type, captions_type, screen_type = Words, EnglishCaptions, overview.EnglishScreen
    numbers = NUMBERS
    page = PAGE
    figures = FIGURES
    terminal = TERMINAL
    progress = PROGRESS
    watch = WATCH
    table_labels = TABLES
    provenance = ProvenanceText(provenance.LABELS, NUMBERS)
    understanding = UnderstoodText(understood.LABELS, NUMBERS)

    titles = TITLES
    unexpected_title = "Bigger and smaller model"
    across_machines = " The trainings compared come from machines of several kinds."


LANGUAGE = English
