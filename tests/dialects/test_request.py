"""Images out of requests, and tensors as PNG."""

import base64
import gzip
import io

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sidecar.dialects.request import TENSOR, RequestImage, request_images, to_png


def picture(image_format: str = "JPEG") -> bytes:
    stream = io.BytesIO()
    Image.effect_noise((32, 24), 50).save(stream, image_format)
    return stream.getvalue()


JPEG, PNG = picture(), picture("PNG")
TEXT = base64.b64encode(JPEG).decode()
FORM = (("content-type", 'multipart/form-data; boundary="b0"'),)


def form(*contents: bytes) -> bytes:
    parts = [b'--b0\r\nContent-Disposition: form-data; name="conf"\r\n\r\n0.25\r\n']
    parts += [b'--b0\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n' + c + b"\r\n" for c in contents]
    return b"".join(parts) + b"--b0--\r\n"


def v2(shape, datatype, values=None, tail=b""):
    tensor = {"name": "x", "shape": shape, "datatype": datatype}
    tensor |= {"data": values} if values is not None else {"parameters": {"binary_data_size": len(tail)}}
    head = orjson.dumps({"inputs": [tensor]})
    return ((("inference-header-content-length", str(len(head))),) if values is None else ()), head + tail


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ((), JPEG),
        ((("content-encoding", "gzip"),), gzip.compress(JPEG)),
        (FORM, form(JPEG)),
        ((), form(JPEG)),
        ((), orjson.dumps({"instances": [{"image_bytes": {"b64": TEXT}}]})),
        ((), orjson.dumps({"image": {"type": "base64", "value": "data:image/jpeg;base64," + TEXT}})),
        ((("content-type", "application/x-www-form-urlencoded"),), TEXT.encode()),
        v2([1], "BYTES", [TEXT]),
        v2([1, 1], "BYTES", None, len(JPEG).to_bytes(4, "little") + JPEG),
        v2([1], "BYTES", None, len(TEXT).to_bytes(4, "little") + TEXT.encode()),
    ],
)
def test_an_encoded_image_is_found_however_it_is_sent(headers, body):
    """Bare, compressed, in a form, as base64 in JSON, and as a BYTES tensor: the same bytes come out."""
    assert request_images(headers, body) == [RequestImage("image/jpeg", JPEG)]


def test_several_images_keep_their_order():
    """A form and a list of instances give their images in order."""
    second = base64.b64encode(PNG).decode()
    for headers, body in ((FORM, form(JPEG, PNG)), ((), orjson.dumps({"instances": [{"b64": TEXT}, {"b64": second}]}))):
        assert [image.media_type for image in request_images(headers, body)] == ["image/jpeg", "image/png"]


def test_tensors_become_one_image_for_each_of_the_batch():
    """Binary and JSON tensors, channels first and last, turn into PNG of the right size."""
    pixels = np.arange(2 * 3 * 24 * 32, dtype=np.uint64).reshape(2, 3, 24, 32) % 251
    headers, body = v2([2, 3, 24, 32], "FP32", None, (pixels / 255).astype("<f4").tobytes())
    images = request_images(headers, body)
    assert [image.shape for image in images] == [(3, 24, 32)] * 2
    shown = np.asarray(Image.open(io.BytesIO(to_png(images[1]))))
    assert (shown == pixels[1].transpose(1, 2, 0)).all()

    last = pixels[0].transpose(1, 2, 0)
    for headers, body in (
        v2([24, 32, 3], "UINT8", last.reshape(-1).tolist()),
        v2([24, 32, 3], "UINT8", None, last.astype("u1").tobytes()),
        ((), orjson.dumps({"instances": [last.tolist()]})),
    ):
        (image,) = request_images(headers, body)
        assert image.media_type == TENSOR
        assert (np.asarray(Image.open(io.BytesIO(to_png(image)))) == last).all()


def test_a_standardised_tensor_is_stretched_to_its_range():
    """Negative values come from a mean and deviation that nobody tells: lowest is black, highest is white."""
    tensor = np.linspace(-2, 2, 3 * 8 * 8, dtype="<f4").reshape(3, 8, 8)
    shown = np.asarray(Image.open(io.BytesIO(to_png(RequestImage(TENSOR, tensor.tobytes(), (3, 8, 8), "FP32")))))
    assert (shown.min(), shown.max()) == (0, 255)


def test_pictures_become_png_and_damage_is_a_value_error():
    """to_png reads the known formats, and says what it cannot read."""
    assert Image.open(io.BytesIO(to_png(RequestImage("image/jpeg", JPEG)))).size == (32, 24)
    for image in (
        RequestImage("image/jpeg", JPEG[:200]),
        RequestImage("image/png", b"no"),
        RequestImage(TENSOR, b"123", (3, 8, 8), "UINT8"),
        RequestImage(TENSOR, b"", (0, 0, 0), "FP32"),
    ):
        with pytest.raises(ValueError):  # noqa: PT011
            to_png(image)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"inputs": []}', b"--b0--", b"hello", b'{"instances": [[[1]]]}'])
def test_a_request_without_an_image_has_none(body):
    """No image is an empty list."""
    assert request_images((), body) == []


BODIES = [JPEG, form(JPEG, PNG), orjson.dumps({"a": [TEXT]}), v2([1], "BYTES", None, b"\1\0\0\0a")[1], TEXT.encode()]


@settings(max_examples=100, deadline=None)
@given(body=st.sampled_from(BODIES), at=st.integers(0, 400), spoil=st.binary(max_size=8), end=st.integers(0, 9000),
       length=st.sampled_from(["", "60", "0", "-5", "x", "99999999"]))  # fmt: skip
def test_spoilt_requests_give_images_or_none(body, at, spoil, end, length):
    """Whatever the bytes, a list comes back."""
    body = (body[:at] + spoil + body[at + len(spoil) :])[:end]
    fields = (("inference-header-content-length", length), *FORM) if length else ()
    for image in request_images(fields, body):
        assert image.content
