"""Examining the images of requests, here in the test's own process."""

import base64
import hashlib
import io
import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from sidecar.data_engine.images import ImageFault, Prepared, Probe, difference_hash, examine
from sidecar.data_engine.near_duplicates import hash_distance

RAW = (("content-type", "application/octet-stream"),)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_image_is_prepared_as_it_was_sent(picture, kind) -> None:
    """The bytes of the three kept formats are not touched, and their full size is known."""
    body = picture(kind)
    images, measured = examine((RAW, body), [0], True)
    assert images == [Prepared(f"image/{kind.lower()}", body, 640, 480, 0, hashlib.sha256(body).hexdigest())]
    assert isinstance(measured, Probe)
    assert (measured.width, measured.height) == (640, 480)
    assert measured.brightness == pytest.approx(128 / 255, abs=0.01)


@pytest.mark.parametrize(("level", "brightness"), [(0, 0.0), (255, 1.0)])
def test_brightness_goes_from_black_to_white(picture, level, brightness) -> None:
    """Mean luma is 0 for black and 1 for white."""
    _, measured = examine((RAW, picture(level=level)), [], True)
    assert isinstance(measured, Probe)
    assert measured.brightness == pytest.approx(brightness, abs=0.01)


def test_tensor_becomes_a_png(picture) -> None:
    """A V2 tensor of pixels is kept as a picture one can look at."""
    pixels = np.full((1, 3, 32, 48), 0.5, np.float32)
    tensor = {"name": "x", "shape": [1, 3, 32, 48], "datatype": "FP32", "data": pixels.ravel().tolist()}
    body = json.dumps({"inputs": [tensor]}).encode()
    images, measured = examine(((("content-type", "application/json"),), body), [0], True)
    assert isinstance(images[0], Prepared)
    assert (images[0].media_type, images[0].width, images[0].height) == ("image/png", 48, 32)
    assert isinstance(measured, Probe)
    assert measured.brightness == pytest.approx(0.5, abs=0.01)


def test_tensor_in_the_binary_form_becomes_a_png(picture) -> None:
    """V2's raw tensors come behind their JSON; a batch is so many pictures."""
    pixels = np.random.default_rng(1).integers(0, 256, (2, 24, 40, 3), np.uint8)
    size = {"binary_data_size": pixels.nbytes}
    tensor = {"name": "x", "shape": [2, 24, 40, 3], "datatype": "UINT8", "parameters": size}
    head = json.dumps({"inputs": [tensor]}).encode()
    fields = (("content-type", "application/octet-stream"), ("inference-header-content-length", str(len(head))))
    images, _ = examine((fields, head + pixels.tobytes()), [0, 1], False)
    for image, sent in zip(images, pixels, strict=True):
        assert isinstance(image, Prepared)
        assert (np.asarray(Image.open(io.BytesIO(image.content))) == sent).all()


def test_tensor_that_is_shorter_than_its_shape_is_no_image() -> None:
    """What it says and what it is do not fit: nothing is kept of it."""
    tensor = {"name": "x", "shape": [1, 3, 32, 48], "datatype": "UINT8", "parameters": {"binary_data_size": 10}}
    head = json.dumps({"inputs": [tensor]}).encode()
    fields = (("inference-header-content-length", str(len(head))),)
    (image,), _ = examine((fields, head + b"0123456789"), [0], False)
    assert isinstance(image, ImageFault)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_image_of_a_form_is_prepared_as_it_was_sent(picture, kind) -> None:
    """The file of a multipart request, beside fields that are no image."""
    body = picture(kind)
    form = (
        b'--edge\r\nContent-Disposition: form-data; name="conf"\r\n\r\n0.5\r\n--edge\r\n'
        b'Content-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: application/octet-stream\r\n\r\n'
    )
    fields = (("content-type", "multipart/form-data; boundary=edge"),)
    (image,), _ = examine((fields, form + body + b"\r\n--edge--\r\n"), [0], False)
    assert isinstance(image, Prepared)
    assert (image.media_type, image.content) == (f"image/{kind.lower()}", body)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_image_in_json_is_prepared_as_it_was_before_base64(picture, kind) -> None:
    """With and without the head of a data URI."""
    body = picture(kind)
    text = base64.b64encode(body).decode()
    for sent in (text, f"data:image/{kind.lower()};base64,{text}"):
        request = ((("content-type", "application/json"),), json.dumps({"image": sent}).encode())
        (image,), _ = examine(request, [0], False)
        assert isinstance(image, Prepared)
        assert (image.media_type, image.content) == (f"image/{kind.lower()}", body)


def scene(seed: int, spot: tuple[int, int] | None = None) -> Image.Image:
    """A picture of coarse random tiles, with a white spot of 40 pixels where one is asked for."""
    tiles = np.random.default_rng(seed).integers(0, 200, (12, 16), np.uint8)
    found = Image.fromarray(tiles).resize((640, 480), Image.Resampling.BICUBIC).convert("RGB")
    if spot is not None:
        found.paste((255, 255, 255), (*spot, spot[0] + 40, spot[1] + 40))
    return found


def test_hash_stays_near_over_size_quality_and_brightness_and_is_far_for_another_scene() -> None:
    """Of 64 bits, a handful for the same scene, some half for another."""
    plain = difference_hash(scene(1))
    written = io.BytesIO()
    scene(1).save(written, "JPEG", quality=40)
    for like in (scene(1).resize((320, 240)), Image.open(written), scene(1).point(lambda level: level * 0.8)):
        assert hash_distance(plain, difference_hash(like)) <= 6
    assert hash_distance(plain, difference_hash(scene(1, spot=(300, 200)))) <= 6
    assert min(hash_distance(plain, difference_hash(scene(seed))) for seed in range(2, 12)) > 12
    assert -(2**63) <= plain < 2**63


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_kind_of_png_has_a_hash(mode) -> None:
    """Palettes, transparency and deep greys are turned to grey first."""
    written = io.BytesIO()
    Image.new(mode, (40, 30)).save(written, "PNG")
    (image,), measured = examine((RAW, written.getvalue()), [0], True)
    assert isinstance(image, Prepared)
    assert isinstance(measured, Probe)


def test_images_of_one_request_are_told_apart_by_index(picture) -> None:
    """Image i of a request with several is the i-th in its body; one that isn't there is a fault of its own."""
    sizes = [(64, 48), (80, 60)]
    instances = [{"b64": base64.b64encode(picture(size=size)).decode()} for size in sizes]
    body = json.dumps({"instances": instances}).encode()
    images, _ = examine(((("content-type", "application/json"),), body), [1, 0, 2], False)
    assert [(image.width, image.height) for image in images[:2]] == sizes[::-1]
    assert isinstance(images[2], ImageFault)
    assert images[2].reason == "no_image"


def bomb() -> bytes:
    """A PNG of a few bytes that says it has 10^10 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 9)) + chunk(b"IEND", b"")
    )


def test_bomb_broken_foreign_and_missing_images_are_faults(picture) -> None:
    """Nothing a client sends raises; each fault has its reason."""
    bodies = {
        "too_large": bomb(),
        "broken": picture("JPEG")[:-400],
        "format": picture("GIF"),
        "no_image": b"hello",
    }
    for reason, body in bodies.items():
        images, measured = examine((RAW, body), [0], True)
        assert [fault.reason for fault in (images[0], measured) if isinstance(fault, ImageFault)] == [reason] * 2
