"""Traditional Chinese as in Taiwan; the modules are those of `language.en`."""

from __future__ import annotations

from ..base import Language
from ..provenance import ProvenanceText
from ..understood import UnderstoodText
from . import overview, provenance, understood
from .captions import ChineseCaptions
from .labels import FIGURES, PAGE, PROGRESS, TERMINAL, TITLES, WATCH
from .numbers import NUMBERS
from .tables import TABLES
from .words import Words


class TraditionalChinese(Language):
    """Traditional Chinese with the names of one study."""

    tag = "zh-Hant"
    sample = "準確率"
    words: Words
    words_type, captions_type, screen_type = Words, ChineseCaptions, overview.ChineseScreen
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
    unexpected_title = "較大與較小的模型"
    across_machines = "所比較的訓練來自不同種類的機器。"


LANGUAGE = TraditionalChinese
