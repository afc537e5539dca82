import hashlib
from fractions import Fraction

import numpy as np
import pytest

from sixteenth.data import draw_others, draw_subset, hold_out
from sixteenth.data.subsets import _class_order, _smallest_complete, _splitmix64
from sixteenth.errors import DataError
from sixteenth.spec.fraction import TrainFraction

BALANCED = np.arange(160) % 10
UNBALANCED = np.repeat(np.arange(4), [50, 30, 15, 5])


def subset(labels, fraction, seed=0, **options):
    return draw_subset(labels, TrainFraction.parse(fraction), seed=seed, **options)


def random_labels(case):
    rng = np.random.default_rng(case)
    sizes = rng.integers(1, 60, rng.integers(2, 12))
    return rng.permutation(np.repeat(np.arange(len(sizes)), sizes))


TWO_PER_CLASS = [1, 2, 3, 9, 10, 16, 35, 43, 56, 57]
TWO_PER_CLASS += [65, 74, 109, 112, 118, 131, 134, 138, 150, 157]
A_FIFTH = [2, 5, 11, 15, 16, 17, 19, 30, 41, 43, 55, 58, 59, 62, 66, 69, 81, 89, 90, 96]
SECOND_FIFTH = [1, 2, 11, 19, 21, 23, 25, 32, 41, 43, 55, 62, 67, 68, 71, 72, 82, 85, 86, 98]
HELD_OUT = [0, 1, 11, 20, 21, 24, 30, 35, 37, 48, 51, 55, 56, 62, 66, 68, 85, 91, 93, 98]


@pytest.mark.parametrize(
    ("labels", "fraction", "seed", "expected"),
    [
        (BALANCED, "1/16", 0, [9, 55, 57, 76, 118, 124, 130, 133, 141, 142]),
        (BALANCED, "1/16", -1, [7, 9, 13, 51, 76, 95, 100, 134, 138, 152]),
        (BALANCED, "2 per class", 7, TWO_PER_CLASS),
        (UNBALANCED, 0.2, 3, A_FIFTH),
    ],
)
def test_a_seed_names_the_same_images_on_every_machine(labels, fraction, seed, expected):
    assert subset(labels, fraction, seed).tolist() == expected


def test_a_seed_names_the_same_disjoint_and_held_out_images_on_every_machine():
    second = subset(UNBALANCED, 0.2, 3, subsets="disjoint", replicate=1)
    assert second.tolist() == SECOND_FIFTH
    assert hold_out(UNBALANCED, 0.2, seed=3)[1].tolist() == HELD_OUT


def test_a_large_subset_is_the_same_on_every_machine():
    drawn = subset(np.arange(50_000) * 7919 % 100, "1/16")
    digest = hashlib.sha256(drawn.astype("<i8").tobytes()).hexdigest()
    assert digest == "824af77fd8545a3c8087c26d00c39c36c7469141e5b4d8dbf6bc4ddebf1fa5ee"


def test_the_hash_is_splitmix64_as_others_compute_it():
    state = np.uint64(1234567) + np.arange(1, 6, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    assert _splitmix64(state).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


@pytest.mark.parametrize("case", range(25))
def test_the_class_order_is_the_quota_method_and_stays_within_one_image(case):
    sizes = np.bincount(random_labels(case))
    total, given = int(sizes.sum()), [0] * len(sizes)
    for step, served in enumerate(_class_order(sizes, total), start=1):
        # Balinski and Young's definition, in exact arithmetic.
        below = [i for i, n in enumerate(sizes) if given[i] * total < step * int(n)]
        claim = {i: Fraction(int(sizes[i]), given[i] + 1) for i in below}
        assert served == max(below, key=lambda i: (claim[i], -i))
        given[served] += 1
        exact = [Fraction(step * int(n), total) for n in sizes]
        assert all(abs(part - got) < 1 for part, got in zip(exact, given, strict=True))
    assert given == sizes.tolist()


@pytest.mark.parametrize("case", range(15))
def test_what_a_smaller_fraction_holds_a_larger_one_holds(case):
    labels = random_labels(case)
    previous: set[int] = set()
    complete = _smallest_complete(np.bincount(labels))
    for count in range(complete, len(labels) + 1, 3):
        drawn = set(subset(labels, f"{count} images", seed=case).tolist())
        assert len(drawn) == count
        assert previous <= drawn
        previous = drawn
    assert previous <= set(subset(labels, 1, seed=case).tolist()) == set(range(len(labels)))


def test_shares_counts_and_counts_per_class_name_the_same_images():
    assert subset(BALANCED, "1/2").tolist() == subset(BALANCED, "80 images").tolist()
    assert subset(BALANCED, "1/2").tolist() == subset(BALANCED, "8 per class").tolist()


def test_the_positions_are_sorted_and_unique():
    drawn = subset(UNBALANCED, "1/2")
    assert drawn.dtype == np.int64
    assert np.all(np.diff(drawn) > 0)


def test_seeds_name_different_images():
    drawn = {tuple(subset(BALANCED, "1/4", seed).tolist()) for seed in range(20)}
    assert len(drawn) == 20


def test_every_image_is_drawn_about_equally_often():
    drawn = np.concatenate([subset(BALANCED, "1/4", seed) for seed in range(400)])
    times = np.bincount(drawn, minlength=160)
    # Mean 100, standard deviation 8.7: five of them leave room for 160 images.
    assert times.min() > 56
    assert times.max() < 144


def test_disjoint_subsets_have_no_image_in_common_and_the_same_classes():
    parts = [subset(BALANCED, "1/16", k, subsets="disjoint", replicate=k) for k in range(16)]
    assert sorted(np.concatenate(parts).tolist()) == list(range(160))
    assert all(np.bincount(BALANCED[part]).tolist() == [1] * 10 for part in parts)


def test_disjoint_subsets_do_not_depend_on_the_seeds():
    one, other = (subset(BALANCED, "1/4", seed, subsets="disjoint", replicate=1) for seed in (1, 9))
    assert one.tolist() == other.tolist()


def test_disjoint_subsets_that_run_out_are_refused():
    with pytest.raises(DataError, match=r"class 0 has 16 images, each part takes 8; .*2 seeds"):
        subset(BALANCED, "1/2", subsets="disjoint", replicate=2)


@pytest.mark.parametrize(
    ("fraction", "message"),
    [
        ("10 images", r"class 'd' with 5 of 100 gets none; use at least 20 images"),
        ("6 per class", r"class 'd' has only 5; use at most 5 per class"),
        ("101 images", r"use at most 100 images"),
    ],
)
def test_a_fraction_that_a_class_cannot_give_is_refused_with_a_way_out(fraction, message):
    with pytest.raises(DataError, match=message):
        subset(UNBALANCED, fraction, classes="abcd")


def test_the_way_out_works():
    assert 3 in UNBALANCED[subset(UNBALANCED, "20 images")]
    with pytest.raises(DataError):
        subset(UNBALANCED, "19 images")


def test_no_images_and_negative_labels_are_refused():
    with pytest.raises(DataError, match="no training images"):
        subset(np.array([], dtype=np.int64), 1)
    with pytest.raises(DataError, match="-1 is out of range"):
        subset(np.array([0, -1]), 1)


@pytest.mark.parametrize("case", range(10))
@pytest.mark.parametrize("share", [0.1, 0.25])
def test_a_held_out_part_is_stratified_and_the_rest_stays(case, share):
    labels = np.concatenate([random_labels(case)] * 5)
    stays, held = hold_out(labels, share, seed=case)
    assert sorted([*stays, *held]) == list(range(len(labels)))
    sizes, got = np.bincount(labels), np.bincount(labels[held], minlength=labels.max() + 1)
    assert np.all(np.abs(got - len(held) * sizes / len(labels)) < 1)


def test_holding_out_nothing_keeps_everything():
    stays, held = hold_out(BALANCED, 0, seed=0)
    assert len(stays) == 160
    assert len(held) == 0


def test_a_class_that_would_keep_no_image_is_refused():
    with pytest.raises(DataError, match="class 'rare' has only 1 image"):
        hold_out(np.array([0, 1, 1, 1, 1, 1]), 0.9, seed=0, classes=["rare", "common"])


def test_of_classes_with_one_image_the_others_give_theirs_where_one_is_to_be_kept():
    labels = np.array([0] * 60 + [1] * 60 + list(range(2, 14)))
    stays, held = hold_out(labels, 0.1, seed=0, keep_one=True)
    assert sorted([*stays, *held]) == list(range(len(labels)))
    assert np.bincount(labels[held]).tolist() == [7, 6]
    few = np.array([0] * 3 + list(range(1, 60)))
    assert few[hold_out(few, 0.1, seed=0, keep_one=True)[1]].tolist() == [0, 0]
    same = np.repeat(np.arange(3), 20)
    kept = hold_out(same, 0.1, seed=0, keep_one=True)[1]
    assert kept.tolist() == hold_out(same, 0.1, seed=0)[1].tolist()
    with pytest.raises(DataError, match="leave none to train on: use more images"):
        hold_out(np.arange(30), 0.1, seed=0, keep_one=True)


def test_at_least_one_image_of_a_class_is_held_out_where_that_is_asked_for():
    few = np.repeat(np.arange(300), 3)
    stays, held = hold_out(few, 0.2, seed=0, hold_one=True)
    assert sorted([*stays, *held]) == list(range(900))
    assert (np.bincount(few[held]) == 1).all()
    rare = np.repeat([0, 1, 2], [600, 390, 4])
    held = hold_out(rare, 0.2, seed=0, hold_one=True)[1]
    assert np.bincount(rare[held]).tolist() == [121, 78, 1]
    assert set(hold_out(rare, 0.2, seed=0)[1]) < set(held)
    alone = np.array([0, *[1] * 9])
    assert np.bincount(alone[hold_out(alone, 0.2, seed=0, hold_one=True)[1]]).tolist() == [0, 2]
    for seed in range(3):  # every class has one in any case
        held = hold_out(UNBALANCED, 0.2, seed=seed, hold_one=True)[1]
        assert held.tolist() == hold_out(UNBALANCED, 0.2, seed=seed)[1].tolist()


def test_others_are_drawn_from_what_is_not_taken_in_the_proportion_of_the_classes():
    labels = np.repeat(np.arange(3), [60, 30, 10])
    taken = np.arange(0, 100, 2)
    drawn = draw_others(labels, taken, 20, seed=1)
    assert np.bincount(labels[drawn]).tolist() == [12, 6, 2]
    assert (drawn % 2 == 1).all()
    assert (np.diff(drawn) > 0).all()
    assert not np.array_equal(drawn, draw_others(labels, taken, 20, seed=2))
    assert draw_others(labels, taken, 1000, seed=1).tolist() == list(range(1, 100, 2))
    assert not len(draw_others(labels, np.arange(100), 5, seed=1))
    assert not len(draw_others(labels, taken, 0, seed=1))


def test_the_held_out_part_is_not_the_small_subset():
    held = set(hold_out(BALANCED, 0.25, seed=0)[1].tolist())
    assert held != set(subset(BALANCED, "1/4").tolist())
