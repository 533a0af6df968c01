"""Sizes from the first bytes of images that Pillow wrote."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sidecar.dialects.image_size import image_size, media_type


def written(image_format: str, size: tuple[int, int] = (321, 123), **options: object) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, (10, 200, 30)).save(stream, image_format, **options)
    return stream.getvalue()


IMAGES = {
    "jpeg": written("JPEG"),
    "progressive": written("JPEG", progressive=True),
    "exif": written("JPEG", exif=Image.Exif().tobytes() + bytes(900)),
    "png": written("PNG"),
    "webp": written("WEBP"),
    "lossless": written("WEBP", lossless=True),
    "webp_exif": written("WEBP", exif=b"Exif\0\0" + bytes(40)),
    "gif": written("GIF"),
    "bmp": written("BMP"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_known_formats_tell_their_size_in_the_first_2_kib(name):
    """Width and height are those Pillow wrote, from the head alone."""
    assert image_size(IMAGES[name][:2048]) == (321, 123)
    assert media_type(IMAGES[name][:64]).startswith("image/")


def test_a_jpeg_whose_frame_lies_beyond_the_head_is_unknown():
    """A long EXIF segment pushes the size out of reach: unknown, not wrong."""
    image = written("JPEG", exif=Image.Exif().tobytes() + bytes(4000))
    assert image_size(image[:2048]) == (0, 0)
    assert image_size(image) == (321, 123)


@given(name=st.sampled_from(sorted(IMAGES)), end=st.integers(0, 200), spoil=st.binary(max_size=64))
def test_any_cut_or_spoilt_head_gives_a_size_or_none(name, end, spoil):
    """Whatever the bytes, two numbers come back and nothing is raised."""
    for head in (IMAGES[name][:end], IMAGES[name][:end] + spoil, spoil):
        width, height = image_size(head)
        assert (width > 0) == (height > 0)
