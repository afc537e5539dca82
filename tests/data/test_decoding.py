import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from small_data import encode, random_pixels, write_classes

from sixteenth.data.decode import decode_images
from sixteenth.data.oddities import Oddities
from sixteenth.spec.work import Work


def saved(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def decode_image(data, image_size):
    pixels, broken = decode_images([("image", data)], 1, image_size)
    assert not broken
    return pixels[0]


def huge_png(width, height):
    """A PNG that claims to be huge: a header and almost no data."""

    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def png_of(values, bits=16, transparent=None):
    """Grey values or colours of so many bits, of which one is transparent; Pillow writes few."""

    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    height, width = values.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, bits, 2 * (values.ndim - 2), 0, 0, 0)
    single = np.unpackbits(values.astype(">u2").reshape(height, -1, 1).view(np.uint8), axis=-1)
    rows = np.packbits(single[..., -bits:].reshape(height, -1), axis=-1)
    content = chunk(b"IHDR", header)
    if transparent is not None:
        content += chunk(b"tRNS", np.asarray(transparent, ">u2").tobytes())
    content += chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows)))
    return b"\x89PNG\r\n\x1a\n" + content + chunk(b"IEND", b"")


def test_grey_is_repeated():
    grey = random_pixels(8, 8)
    assert np.array_equal(decode_image(encode(grey), 8), np.stack([grey] * 3, axis=-1))


def test_sixteen_bits_are_scaled_to_eight():
    values = np.array([[0, 257], [257 * 128, 65535]], dtype=np.uint16)
    assert decode_image(saved(Image.fromarray(values)), 2)[..., 0].tolist() == [[0, 1], [128, 255]]


def tiff(values, **options):
    return saved(Image.fromarray(values), "TIFF", **options)


def test_32_bits_that_8_could_hold_have_no_scale_and_others_are_read_as_16():
    few = np.array([[0, 252], [9, 7]], dtype=np.int32)
    _, broken = decode_images([("few", tiff(few))], 1, 2)
    assert broken[0].reason.startswith("values up to 252 in 32 bits have no agreed scale")
    for values in (few * 257, few * 0):
        assert decode_image(tiff(values), 2)[..., 0].tolist() == (values // 257).tolist()
    assert decode_image(saved(Image.fromarray(few.astype(np.uint16))), 2).max() == 1


def test_images_of_16_bits_that_use_12_are_named_as_nearly_black():
    values = np.linspace(0, 4095, 64).astype(np.uint16).reshape(8, 8)
    black = np.zeros((8, 8, 3), np.uint8)
    few, full = saved(Image.fromarray(values)), saved(Image.fromarray(values * 16))
    colour = png_of(np.stack([values] * 3, axis=-1))
    images = [
        ("few", few), ("full", full), ("colour", colour), ("8 bits", encode(black)),
        ("8 bits, BMP", encode(black, "BMP")), ("tiff", tiff(values.astype(np.int32))),
    ]  # fmt: skip
    odd = Oddities()
    pixels, broken = decode_images(images, len(images), 8, oddities=odd)
    assert not broken
    assert pixels.max((1, 2, 3)).tolist() == [16, 255, 15, 0, 0, 16]
    assert odd.dark == ["few", "colour", "tiff"]


def test_black_and_white_and_palettes_become_colours():
    colours = np.zeros((8, 8, 3), np.uint8)
    colours[:4] = (255, 0, 0)
    palette = Image.fromarray(colours).convert("P", palette=Image.Palette.ADAPTIVE)
    assert np.array_equal(decode_image(saved(palette), 8), colours)
    bits = Image.fromarray(np.eye(8, dtype=bool))
    assert np.array_equal(decode_image(saved(bits), 8)[..., 2], np.eye(8, dtype=np.uint8) * 255)


def test_transparent_pixels_are_laid_over_white():
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:4, :, 3] = 255
    decoded = decode_image(encode(pixels), 8)
    assert np.all(decoded[:4] == 0)
    assert np.all(decoded[4:] == 255)
    see_through = Image.new("P", (8, 8), 0)
    assert np.all(decode_image(saved(see_through, transparency=0), 8) == 255)


@pytest.mark.parametrize("bits", [2, 4, 8, 16])
def test_the_grey_that_a_png_declares_transparent_is_white_at_any_depth(bits):
    most = 2**bits - 1
    values = np.array([[0, most // 3], [most // 3 * 2, most // 3 * 2 - 1]])
    plain = np.rint(values * (255 / most)).astype(int)
    assert decode_image(png_of(values, bits), 2)[..., 0].tolist() == plain.tolist()
    for transparent in (most // 3 * 2, most // 3, 0):
        white = np.where(values == transparent, 255, plain)
        found = decode_image(png_of(values, bits, transparent), 2)
        assert found.tolist() == np.stack([white] * 3, axis=-1).tolist()


def test_the_16_bit_colour_that_a_png_declares_transparent_is_white():
    colours = np.array([[[1000, 2000, 3000], [232, 208, 184]], [[0, 0, 0], [9, 60_000, 1]]])
    found = decode_image(png_of(colours, 16, [1000, 2000, 3000]), 2)
    assert found.tolist() == [[[255, 255, 255], [0, 0, 0]], [[0, 0, 0], [0, 234, 0]]]
    grey = png_of(np.full((2, 2, 3), 1000), 16, [60_000] * 3)
    assert np.all(decode_image(grey, 2) == 3)


def test_cmyk_becomes_rgb():
    red = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    pixel = decode_image(saved(red, "JPEG", quality=95), 8)[4, 4].astype(int)
    assert pixel[0] > 230
    assert pixel[1:].max() < 25


def test_an_image_is_turned_upright():
    pixels = random_pixels(8, 8, 3)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    turned = decode_image(saved(Image.fromarray(pixels), exif=exif), 8)
    assert np.array_equal(turned, np.rot90(pixels, k=-1))


def test_a_damaged_exif_header_does_not_cost_the_image():
    pixels = random_pixels(8, 8, 3)
    assert np.array_equal(
        decode_image(saved(Image.fromarray(pixels), exif=b"Exif\0\0nonsense"), 8), pixels
    )


@pytest.mark.parametrize("shape", [(8, 20, 3), (20, 8, 3)])
def test_the_central_square_is_taken(shape):
    pixels = random_pixels(*shape)
    expected = pixels[:, 6:14] if shape[1] == 20 else pixels[6:14]
    assert np.array_equal(decode_image(encode(pixels), 8), expected)


def test_a_large_image_is_averaged_not_sampled():
    board = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert np.all(np.abs(decode_image(encode(board), 8).astype(int) - 127) <= 2)


def test_a_large_jpeg_comes_out_as_a_full_decode_would():
    y, x = np.mgrid[0:512, 0:512] / 511
    smooth = (np.stack([x, y, (x + y) / 2], axis=-1) * 255).astype(np.uint8)
    data = encode(smooth, "JPEG")
    full = Image.open(io.BytesIO(data)).resize((16, 16), Image.Resampling.BILINEAR)
    difference = np.abs(decode_image(data, 16).astype(int) - np.asarray(full))
    assert difference.max() <= 3


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "it has no bytes"),
        (b"", "not an image in a known format"),
        (b"GIF89a", "not an image|broken|index"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n", "not an image in a known format"),
        (encode(random_pixels(32, 32, 3), "JPEG")[:-200], "truncated"),
        (encode(random_pixels(32, 32, 3))[:-200], "truncated|broken|Truncated"),
        (saved(Image.fromarray(np.ones((8, 8), np.float32)), "TIFF"), "floating-point"),
        (huge_png(50_000, 50_000), "pixels"),
        (huge_png(10_000, 10_000), "pixels"),
    ],
)
def test_a_broken_image_is_reported_with_its_reason_and_the_others_are_decoded(data, reason):
    good = encode(random_pixels(8, 8, 3))
    images = [("good", good), ("bad", data), ("also good", good)]
    pixels, broken = decode_images(images, 3, 8)
    assert [(one.name, one.position) for one in broken] == [("bad", 1)]
    assert any(part in broken[0].reason for part in reason.split("|")), broken
    assert np.array_equal(pixels[0], pixels[2])
    assert pixels[0].any()


def test_odd_headers_are_not_talked_about(capfd, recwarn):
    whole = saved(Image.fromarray(random_pixels(8, 8, 3)), "TIFF")
    cut = [("cut", whole[:length]) for length in range(8, len(whole), 16)]
    _, broken = decode_images(cut, len(cut), 8)
    assert broken
    assert not recwarn.list
    assert capfd.readouterr().err == ""


def test_a_vanished_file_is_reported(tmp_path):
    _, broken = decode_images([("gone", tmp_path / "gone.png")], 1, 8)
    assert broken == [("gone", "No such file or directory", 0)]


def test_progress_counts_up_to_the_total():
    seen = []
    images = [("x", encode(random_pixels(8, 8, 3)))] * 600
    decode_images(
        images, 600, 8, what=Work.DECODING_TRAIN, progress=lambda *step: seen.append(step)
    )
    counts = [done for what, done, total in seen if (what, total) == (Work.DECODING_TRAIN, 600)]
    assert len(counts) == len(seen) > 10
    assert counts == sorted(set(counts))
    assert counts[-1] == 600


def test_loading_a_folder_and_arrays_tells_known_kinds_of_work(load, tmp_path):
    seen = []
    for part in ("train", "test"):
        write_classes(tmp_path / "folder" / part, {"a": 2, "b": 2}, seed=len(part))
    load(tmp_path / "folder", progress=lambda *step: seen.append(step))
    pixels, labels = random_pixels(4, 12, 12, 3), np.array([0, 1, 0, 1])
    parts = {"x_train": pixels, "y_train": labels, "x_test": 255 - pixels, "y_test": labels}
    np.savez(tmp_path / "arrays.npz", **parts)
    load(tmp_path / "arrays.npz", progress=lambda *step: seen.append(step))
    kinds = [Work.DECODING_TRAIN, Work.DECODING_TEST, Work.RESIZING_TRAIN, Work.RESIZING_TEST]
    assert [what for what, *_ in seen] == kinds
    assert all(isinstance(what, Work) for what, *_ in seen)
    assert [step[1:] for step in seen] == [(4, 4)] * 4


def test_images_are_resized_by_the_interpolation_that_is_asked_for():
    image = Image.fromarray(random_pixels(12, 12, 3))
    data = saved(image)
    for name in ("bilinear", "bicubic"):
        pixels, _ = decode_images([("i", data)], 1, 8, interpolation=name)
        expected = image.resize((8, 8), Image.Resampling[name.upper()])
        assert np.array_equal(pixels[0], np.asarray(expected))
