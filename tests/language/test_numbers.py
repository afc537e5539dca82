"""How numbers, dates and lists read, in tables and in sentences."""

from __future__ import annotations

import math

import pytest
from babel import Locale

from sixteenth.analysis.stats.intervals import Interval
from sixteenth.language.en import English
from sixteenth.language.en.numbers import NUMBERS as EN
from sixteenth.language.en.numbers import (
    SENTENCE,
    interval,
    percent,
    plural,
    points,
    roughly,
    signed,
)
from sixteenth.language.numbers import Numbers
from sixteenth.language.text import cut
from sixteenth.language.words import Names
from sixteenth.language.zh_hant.numbers import NUMBERS as ZH


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (EN.percent(0.8234), "82.3%"),
        (EN.percent(1.0), "100.0%"),
        (EN.percent(math.nan), "–"),
        (EN.percent(None), "–"),
        (EN.points(0.0141), "+1.4"),
        (EN.points(-0.0141), "−1.4"),
        (EN.points(-0.0001), "0.0"),
        (EN.interval(0.815, 0.83), "81.5 to 83.0%"),
        (EN.points_interval(-0.003, 0.011), "−0.3 to +1.1"),
        (EN.points_interval(0.00004, 0.04), "+0.004 to +4.0"),  # zero lies outside, as told
        (EN.points_interval(-0.04, -0.0003), "−4.0 to −0.03"),
        (EN.points_interval(-0.0003, 0.04), "0.0 to +4.0"),
        (SENTENCE.deviation(0.007), "0.7 points"),
        (SENTENCE.deviation(0.0004), "0.04 points"),
        (EN.count(50000), "50,000"),
        (EN.decimal(-0.4049, 2), "−0.40"),
        (EN.decimal(-0.0028, 2), "0.00"),
        (EN.decimal(math.nan, 2), "–"),
        (EN.decimal(999_999_999_999_999, 0), "999,999,999,999,999"),
        (EN.decimal(1.2345e15, 1), "1.23e+15"),
        (EN.decimal(-2.3e29, 2), "−2.30e+29"),
        (EN.decimal(2.3e29, 2, plus=True), "+2.30e+29"),
        (EN.percent(1e29), "1.00e+31%"),
        (EN.significant(5.898), "5.90"),
        (EN.significant(0.04712), "0.0471"),
        (EN.significant(82_149), "82,100"),
        (EN.significant(999.9), "1,000"),
        (EN.significant(1_234_567), "1.23e+06"),
        (EN.significant(0), "0"),
        (EN.parameters(11_181_642), "11.2 M"),
        (EN.parameters(999_960), "1.0 M"),
        (EN.parameters(512), "512"),
        (EN.flops(1.2e15), "1.2 PFLOP"),
        (EN.flops(5.1e14), "510 TFLOP"),
        (EN.flops(0), "0 FLOP"),
        (EN.duration(200), "3 min 20 s"),
        (EN.duration(3.14), "3.1 s"),
        (EN.duration(59.7), "1 min 0 s"),
        (EN.duration(3600), "1 h 0 min"),
        (EN.duration(100_000), "1 d 4 h"),
        (EN.day("2026-03-03T10:00:00+00:00"), "3 March 2026"),
        (EN.day("someday"), "someday"),
        (EN.join(["a"]), "a"),
        (EN.join(["a", "b", "c"]), "a, b and c"),
        (EN.join(["a", "b", "c"], "or"), "a, b or c"),
        (EN.fraction("1"), "all"),
        (EN.fraction("1/16"), "1/16"),
        (EN.fraction("2000 images"), "2,000 images"),
        (EN.fraction("25 per class"), "25 per class"),
        (ZH.fraction("2000 images"), "2,000 張影像"),
        (ZH.fraction("25 per class"), "每類 25 張"),
        (ZH.fraction("of another table"), "of another table"),
        (ZH.is_size("2000 images", 2000.0), True),
        (ZH.is_size("25 per class", 25), False),
        (EN.is_size("1", 2000), False),
        (cut("a" * 20 + "b" * 20, 11), "aaaaa…bbbbb"),
    ],
)
def test_numbers_are_written_as_a_reader_expects(written: object, expected: object) -> None:
    assert written == expected


def test_numbers_read_as_a_person_would_write_them():
    assert percent(0.8734) == "87.3%"
    assert percent(1.0) == "100.0%"
    assert percent(0.9997) == "99.97%"
    assert points(-0.041) == "4.1 points"
    assert points(0.01) == "1.0 point"
    assert signed(0.041) == "+4.1"
    assert signed(-0.003) == "−0.3"
    assert signed(0.0001) == "0.0"
    assert plural(1, "run") == "1 run"
    assert plural(2000, "image") == "2,000 images"


def test_a_p_that_does_not_count_is_not_rounded_onto_one_that_does():
    assert SENTENCE.p_value(0.0502, 1 - 0.95) == "= 0.0502"
    assert SENTENCE.p_value(0.0498, 1 - 0.95) == "= 0.050"
    assert SENTENCE.p_value(0.05, 1 - 0.95) == "= 0.050"
    assert SENTENCE.p_value(0.0696, 1 - 0.95) == "= 0.070"
    assert SENTENCE.p_value(0.0002, 1 - 0.95) == "< 0.001"


def test_a_share_that_arithmetic_left_short_of_one_is_one():
    assert percent(1 - 1e-12) == "100.0%"
    assert percent(1e-12) == "0.0%"
    assert percent(1 - 1e-6) == "over 99.99%"


def test_a_part_is_never_rounded_to_nothing():
    written = [SENTENCE.ratio(number) for number in (0.5, 0.08, 0.00123, 2.44)]
    assert written == ["0.50", "0.080", "0.0012", "2.4"]


def test_a_name_stays_as_it_is_at_the_start_of_a_sentence():
    words = English(Names({"lab:speedrun": "speedrun", "my.net": "net"})).words
    assert words.begin("speedrun from random weights") == "speedrun from random weights"
    assert words.begin("speedrun: it fell back") == "speedrun: it fell back"
    assert words.begin("networks were trained") == "Networks were trained"
    assert words.begin("twice the images") == "Twice the images"


def test_an_interval_that_excludes_zero_never_reads_as_if_it_held_zero():
    assert interval(Interval(0.0003, 0.021, 0.95)) == "95% interval 0.03 to 2.1"
    assert interval(Interval(-0.021, -0.0003, 0.95), flip=True) == "95% interval 0.03 to 2.1"
    assert interval(Interval(-0.0003, 0.021, 0.95)) == "95% interval 0.0 to 2.1"


def test_another_locale_has_its_own_signs_dates_and_lists():
    german = Numbers(
        Locale("de"),
        span="{} bis {}",
        aside=" ({})",
        whole="alle",
        images="{} Bilder",
        per_class="{} je Klasse",
        time_units=("T", "h", "min", "s"),
    )
    assert german.decimal(-1234.5, 1) == "−1.234,5"
    assert german.decimal(2.3e29, 0) == "2,30e+29"
    assert german.percent(0.8234) == "82,3\N{NO-BREAK SPACE}%"
    assert german.interval(0.815, 0.83) == "81,5 bis 83,0\N{NO-BREAK SPACE}%"
    assert german.significant(0.04712) == "0,0471"
    assert german.general(0.05) == "0,05"
    assert german.parameters(11_181_642) == "11,2 M"
    assert german.day("2026-03-03T10:00:00+00:00") == "3. März 2026"
    assert german.join(["a", "b", "c"], "or") == "a, b oder c"
    chinese = Numbers(
        Locale("zh", script="Hant"),
        span="{} 至 {}",
        aside="（{}）",
        whole="全部",
        images="{} 張影像",
        per_class="每類 {} 張",
        time_units=("天", "小時", "分", "秒"),
    )
    assert chinese.day("2026-03-03") == "2026年3月3日"
    assert chinese.join(["a", "b", "c"]) == "a、b和c"
    assert chinese.duration(200) == "3 分 20 秒"


def test_a_number_is_rounded_as_python_rounds_it():
    assert EN.decimal(2.675, 2) == f"{2.675:.2f}"
    assert EN.decimal(0.125, 2) == f"{0.125:.2f}"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(20, "20 s"), (95, "2 min"), (5_399, "90 min"), (5_400, "1 h 30 min"), (10_820, "3 h"),
     (13_782, "3 h 50 min"), (16_020, "4 h 30 min"), (35_500, "9 h 50 min"), (35_999, "10 h"),
     (86_400, "24 h"), (200_000, "2 d 8 h")],
)  # fmt: skip
def test_a_time_that_is_roughly_known_has_no_more_digits_than_that(
    seconds: float, text: str
) -> None:
    assert roughly(seconds) == text
