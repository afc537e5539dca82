"""Training images are cropped, mirrored, cut out and shifted as the words say."""

from __future__ import annotations

import numpy as np
import torch

from sixteenth.data.augment import alternating_flip, crop_and_flip, cut_out, shift_images


def test_crops_and_flips_are_those_of_a_padded_picture() -> None:
    images = torch.randint(0, 256, (64, 6, 6, 3), dtype=torch.uint8)
    out = crop_and_flip(images, crop=2, flip=True, generator=torch.Generator().manual_seed(0))
    padded = np.pad(images.numpy(), ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    kinds = set()
    for picture, made in zip(padded, out.numpy(), strict=True):
        matches = [
            (y, x, flip)
            for y in range(5)
            for x in range(5)
            for flip in (False, True)
            if np.array_equal(made, picture[y : y + 6, x : x + 6][:, :: -1 if flip else 1])
        ]
        assert matches
        kinds.update(matches)
    assert {flip for *_, flip in kinds} == {False, True}
    assert {y for y, *_ in kinds} == set(range(5))


def test_without_crop_and_flip_images_stay_what_they_are() -> None:
    images = torch.randint(0, 256, (3, 5, 5, 3), dtype=torch.uint8)
    assert crop_and_flip(images, crop=0, flip=False, generator=torch.Generator()) is images


def test_an_image_is_mirrored_every_second_epoch() -> None:
    first, second, third = (alternating_flip(1000, epoch, seed=3) for epoch in (1, 2, 3))
    assert torch.equal(first, ~second)
    assert torch.equal(first, third)
    assert 400 < first.sum() < 600
    images = torch.randint(0, 256, (4, 6, 6, 3), dtype=torch.uint8)
    which = torch.tensor([True, False, False, True])
    out = crop_and_flip(images, crop=0, flip=which, generator=torch.Generator())
    assert torch.equal(out[1:3], images[1:3])
    assert torch.equal(out[0], images[0].flip(1))


def test_a_cut_out_is_one_whole_square_in_the_given_colour() -> None:
    images = torch.full((50, 10, 12, 3), 255, dtype=torch.uint8)
    generator = torch.Generator().manual_seed(0)
    out = cut_out(images, size=4, colour=[10.2, 20.0, 30.0], generator=generator)
    painted = (out == torch.tensor([10, 20, 30], dtype=torch.uint8)).all(-1)
    assert (painted.sum((1, 2)) == 16).all()
    assert (out[~painted] == 255).all()
    for one in painted:
        rows, columns = one.any(1).nonzero().flatten(), one.any(0).nonzero().flatten()
        assert len(rows) == rows[-1] - rows[0] + 1 == 4
        assert len(columns) == columns[-1] - columns[0] + 1 == 4
    assert len({tuple(one.nonzero()[0].tolist()) for one in painted}) > 10
    assert (images == 255).all()


def test_a_shifted_view_is_the_moved_picture_with_its_edge_reflected() -> None:
    images = torch.randint(0, 256, (2, 5, 5, 3), dtype=torch.uint8)
    down = shift_images(images, 1, 0, flip=False)
    assert torch.equal(down[:, 1:], images[:, :-1])
    assert torch.equal(down[:, 0], images[:, 1])
    right = shift_images(images, 0, 1, flip=True)
    assert torch.equal(right[:, :, 1:], images.flip(2)[:, :, :-1])
