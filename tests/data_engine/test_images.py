"""Examining the images of requests, here in the test's own process."""

import base64
import json
import struct
import zlib

import numpy as np
import pytest

from sidecar.data_engine.images import ImageFault, Prepared, Probe, examine

RAW = (("content-type", "application/octet-stream"),)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_image_is_prepared_as_it_was_sent(picture, kind) -> None:
    """The bytes of the three kept formats are not touched, and their full size is known."""
    body = picture(kind)
    images, measured = examine((RAW, body), [0], True)
    assert images == [Prepared(f"image/{kind.lower()}", body, 640, 480)]
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
