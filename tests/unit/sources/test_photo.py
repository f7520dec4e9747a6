"""A photo decodes to what a viewer shows, or is left out with the reason."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, features

from sisa.data.images import NoPicture
from sisa.sources.photo import CLEAR_16, DAMAGED, FOREIGN, decode, is_photo

AVIF = pytest.param("AVIF", marks=pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF"))
LOSSLESS = ["PNG", "BMP", "TIFF", "WEBP"]


def picture(seed, height=6, width=9):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def saved(image, kind="PNG", **options):
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def encoded(pixels, kind="PNG", **options):
    return saved(Image.fromarray(pixels), kind, **options)


def grey(levels):
    return np.repeat(np.asarray(levels, dtype=np.uint8)[:, :, None], 3, axis=2)


RAMP = np.linspace(0, 65535, 54).astype(np.uint16).reshape(6, 9)


@pytest.mark.parametrize("kind", ["JPEG", *LOSSLESS, "GIF", AVIF])
def test_every_accepted_format_decodes_to_rgb_whatever_it_is_called(kind):
    pixels = np.full((5, 7, 3), (200, 100, 50), dtype=np.uint8)
    content = encoded(pixels, kind, quality=95)
    np.testing.assert_allclose(decode(content).astype(int), pixels, atol=6)
    assert is_photo(content[:64])


@pytest.mark.parametrize("kind", LOSSLESS)
def test_a_lossless_picture_keeps_its_pixels(kind):
    np.testing.assert_array_equal(decode(encoded(picture(0), kind, lossless=True)), picture(0))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr"])
def test_every_mode_of_eight_bits_decodes_as_pillow_shows_it(mode):
    image = Image.fromarray(picture(0)).convert("L").convert("RGB").convert(mode)
    kind = "TIFF" if mode in ("CMYK", "YCbCr") else "PNG"
    np.testing.assert_array_equal(decode(saved(image, kind)), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_become_eight_and_not_white(kind):
    np.testing.assert_array_equal(decode(encoded(RAMP, kind)), grey(RAMP >> 8))


def test_different_scans_of_sixteen_bits_are_different_pictures():
    one, other = decode(encoded(RAMP)), decode(encoded(RAMP[::-1]))
    assert (one != other).any()


def tiff(levels, bits, photometric=1, order="<", sample_format=1):
    """An uncompressed TIFF of one strip, as a scanner writes it."""
    height, width = levels.shape
    rows = ((256, width), (257, height), (258, bits), (259, 1), (262, photometric), (277, 1), (278, height))
    rows += ((339, sample_format),)
    content = packed12(levels) if bits == 12 else levels.astype(levels.dtype.newbyteorder(order)).tobytes()
    tags = [*rows, (273, 8 + 2 + 12 * (len(rows) + 2) + 4), (279, len(content))]
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HLH", 42, 8, len(tags))
    body = b"".join(struct.pack(f"{order}HHLL", tag, 4, 1, value) for tag, value in sorted(tags))
    return head + body + struct.pack(f"{order}L", 0) + content


def packed12(levels):
    """Two levels in three bytes, each row filled up."""
    rows = []
    for row in levels.tolist():
        bits = "".join(f"{level:012b}" for level in row)
        rows.append(int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big"))
    return b"".join(rows)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_of_sixteen_bits_shows_its_upper_ones_in_either_byte_order(order):
    np.testing.assert_array_equal(decode(tiff(RAMP, 16, order=order)), grey(RAMP >> 8))


def test_a_tiff_of_twelve_bits_shows_its_upper_eight():
    np.testing.assert_array_equal(decode(tiff(RAMP >> 4, 12)), grey(RAMP >> 8))


def test_a_tiff_that_is_a_negative_is_shown_as_a_positive():
    np.testing.assert_array_equal(decode(tiff(RAMP, 16, photometric=0)), grey(255 - (RAMP >> 8)))


def test_a_turned_scan_of_sixteen_bits_comes_out_upright():
    turned = Image.Exif()
    turned[0x0112] = 6
    np.testing.assert_array_equal(decode(encoded(RAMP, exif=turned)), grey(np.rot90(RAMP >> 8, k=-1)))


@pytest.mark.parametrize("mode", ["I", "F"])
def test_numbers_without_a_black_and_a_white_are_left_out_with_the_reason(mode):
    left_out = decode(saved(Image.fromarray(RAMP.astype(np.int32)).convert(mode), "TIFF"))
    assert "nothing says what is black" in left_out.reason


def test_signed_numbers_are_left_out_with_the_reason():
    assert "signed" in decode(tiff(RAMP.astype(np.int16), 16, sample_format=2)).reason


def test_lab_is_left_out_with_the_reason():
    assert "LAB" in decode(saved(Image.new("LAB", (3, 3)), "TIFF")).reason


HALF = np.where(np.arange(54).reshape(6, 9) % 2, 255, 0).astype(np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_pixels_that_are_hidden_show_white(kind):
    content = encoded(np.dstack([picture(0), HALF]), kind, lossless=True, exact=True)
    np.testing.assert_array_equal(decode(content), np.where(HALF[:, :, None], picture(0), 255))


def test_what_is_hidden_makes_no_difference():
    one, other = (encoded(np.dstack([np.where(HALF[:, :, None], 7, picture(seed)), HALF])) for seed in (0, 1))
    np.testing.assert_array_equal(decode(one), decode(other))


def test_an_opaque_alpha_channel_changes_no_pixel():
    opaque = np.full((6, 9), 255, dtype=np.uint8)
    np.testing.assert_array_equal(decode(encoded(np.dstack([picture(0), opaque]))), picture(0))


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_color_of_a_palette_shows_white(kind):
    image = Image.fromarray(np.array([[0, 1], [2, 1]], dtype=np.uint8), "P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    shown = decode(saved(image, kind, transparency=1))
    assert shown.tolist() == [[[10, 20, 30], [255, 255, 255]], [[70, 80, 90], [255, 255, 255]]]


def test_a_palette_with_an_alpha_channel_is_composed_onto_white():
    image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), "P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    image = image.convert("PA")
    image.putalpha(Image.fromarray(np.array([[255, 0]], dtype=np.uint8)))
    assert decode(saved(image, "TIFF")).tolist() == [[[10, 20, 30], [255, 255, 255]]]


def test_a_transparent_grey_or_color_shows_white():
    levels = np.array([[0, 5], [9, 5]], dtype=np.uint8)
    np.testing.assert_array_equal(decode(encoded(levels, transparency=5)), grey([[0, 255], [9, 255]]))
    shown = decode(encoded(grey(levels), transparency=(5, 5, 5)))
    np.testing.assert_array_equal(shown, grey([[0, 255], [9, 255]]))


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_picture_of_eight_bits_that_measures_16_is_not_taken_for_one_of_16_bits(kind):
    levels = np.arange(16 * 116, dtype=np.uint8).reshape(16, 116)
    np.testing.assert_array_equal(
        decode(encoded(levels, kind, transparency=5)), grey(np.where(levels == 5, 255, levels))
    )


def png(bit_depth, color_type, row, *chunks):
    """A PNG of one row, chunk by chunk."""
    width = len(row) * 8 // (bit_depth * {0: 1, 2: 3}[color_type])
    head = struct.pack(">LLBBBBB", width, 1, bit_depth, color_type, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(b"\0" + row)), (b"IEND", b"")]
    sums = (struct.pack(">L", zlib.crc32(name + data)) for name, data in parts)
    body = (struct.pack(">L", len(data)) + name + data + check for (name, data), check in zip(parts, sums, strict=True))
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


@pytest.mark.parametrize(("color_type", "color"), [(0, b"\1\2"), (2, bytes(6))])
def test_a_transparent_color_of_sixteen_bits_is_left_out_with_the_reason(color_type, color):
    assert decode(png(16, color_type, color * 2, (b"tRNS", color))) == NoPicture(CLEAR_16)


def test_colors_of_sixteen_bits_show_their_upper_eight():
    assert decode(png(16, 2, bytes([1, 255, 2, 255, 3, 255]))).tolist() == [[[1, 2, 3]]]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_several_pictures_in_a_file_the_first_is_taken(kind):
    first, second = (Image.new("RGB", (4, 4), color) for color in ("red", "blue"))
    content = saved(first, kind, save_all=True, append_images=[second], lossless=True)
    assert (decode(content) == (255, 0, 0)).all()


def test_a_photo_taken_with_a_turned_camera_comes_out_upright():
    turned = Image.Exif()
    turned[0x0112] = 6  # the top of the scene is on the right
    np.testing.assert_array_equal(decode(encoded(picture(0), exif=turned)), np.rot90(picture(0), k=-1))


@pytest.mark.parametrize("kind", ["JPEG", *LOSSLESS, "GIF", AVIF])
def test_a_photo_that_breaks_off_cannot_be_decoded(kind):
    whole = encoded(picture(0, 60, 60), kind)
    assert decode(whole[: len(whole) // 2]) == NoPicture(DAMAGED)


@pytest.mark.parametrize("content", [b"", b"no photo", encoded(picture(0), "PPM"), b"\0\0\0\x18ftypheic" + bytes(99)])
def test_other_files_are_said_to_be_no_photos(content):
    assert decode(content) == NoPicture(FOREIGN)


def test_a_photo_of_too_many_pixels_is_left_out_with_its_size_and_the_limit():
    content = encoded(np.zeros((1500, 1000), dtype=np.uint8))
    assert decode(content, megapixels=1) == NoPicture("too large: 2 megapixels, limit 1")
    assert decode(content, megapixels=2).shape == (1500, 1000, 3)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP"])
def test_a_photo_of_far_too_many_pixels_is_left_out_with_the_limit(kind):
    content = encoded(np.zeros((2100, 1000), dtype=np.uint8), kind)
    assert decode(content, megapixels=1).reason.endswith(" megapixels, limit 1")


def test_what_pillow_warns_of_is_not_printed():
    content = encoded(picture(0), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0" + bytes(20))
    with warnings.catch_warnings(record=True, action="always") as said:
        assert decode(content).shape == (6, 9, 3)
    assert said == []


def test_what_libtiff_says_of_a_damaged_photo_is_not_printed(capfd):
    whole = encoded(picture(0, 60, 60), "TIFF", compression="tiff_lzw")
    assert decode(whole[:200] + b"\xff" * 200 + whole[400:]) == NoPicture(DAMAGED)
    assert capfd.readouterr().err == ""
