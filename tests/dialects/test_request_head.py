"""Image sizes from the first 2 KiB of requests."""

import base64
import gzip
import io

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sidecar.dialects.request_head import sizes_in_head


def jpeg(width: int, height: int) -> bytes:
    stream = io.BytesIO()
    Image.effect_noise((width, height), 50).save(stream, "JPEG")
    return stream.getvalue()


PHOTO = jpeg(320, 200)
TEXT = base64.b64encode(PHOTO).decode()


def form(*contents: bytes) -> bytes:
    parts = [b'--b0\r\nContent-Disposition: form-data; name="conf"\r\n\r\n0.25\r\n']
    parts += [
        b'--b0\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + content + b"\r\n"
        for content in contents
    ]
    return b"".join(parts) + b"--b0--\r\n"


V2_BYTES_JSON = orjson.dumps(
    {"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": 4}}]}
)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ((), PHOTO),
        ((("content-encoding", "gzip"),), gzip.compress(PHOTO, 1)),
        ((("content-type", "multipart/form-data; boundary=b0"),), form(PHOTO)),
        ((), orjson.dumps({"instances": [{"image_bytes": {"b64": TEXT}}]})),
        ((), orjson.dumps({"api_key": "k", "image": {"type": "base64", "value": "data:image/jpeg;base64," + TEXT}})),
        ((), orjson.dumps({"image": TEXT}).replace(b"/", b"\\/")),
        ((), TEXT.encode()),
        (
            (("inference-header-content-length", str(len(V2_BYTES_JSON))),),
            V2_BYTES_JSON + len(PHOTO).to_bytes(4, "little") + PHOTO,
        ),
    ],
)
def test_an_image_tells_its_size_however_it_is_sent(headers, body):
    """Bare, compressed, in a form, base64 in JSON or as the body, and as a BYTES tensor."""
    assert sizes_in_head(headers, body[:2048]).of(0) == (320, 200)
    assert sizes_in_head(headers, body[:2048]).of(1) == (0, 0)


@pytest.mark.parametrize("shape", [[2, 3, 480, 640], [2, 480, 640, 3], [480, 640, 3], [3, 480, 640]])
def test_a_tensor_tells_the_size_of_every_image(shape):
    """An image tensor's shape holds for the whole batch, with channels first or last."""
    body = orjson.dumps({"inputs": [{"name": "x", "shape": shape, "datatype": "FP32", "data": [0.5] * 500}]})
    sizes = sizes_in_head((), body[:2048])
    assert sizes.of(0) == sizes.of(5) == (640, 480)


def test_several_small_images_tell_their_sizes_in_order():
    """Sizes belong to their images; one that cannot be told ends the list."""
    first, second = jpeg(8, 9), jpeg(10, 11)
    sizes = sizes_in_head((), form(first, second))
    assert (sizes.of(0), sizes.of(1)) == ((8, 9), (10, 11))
    assert sizes_in_head((), form(b"what is this", second)).of(0) == (0, 0)


@given(body=st.sampled_from([PHOTO, form(PHOTO), TEXT.encode(), orjson.dumps({"a": TEXT}), V2_BYTES_JSON]),
       cut=st.integers(0, 2048), at=st.integers(0, 500), spoil=st.binary(max_size=12))  # fmt: skip
def test_spoilt_heads_never_raise(body, cut, at, spoil):
    """A head cut or changed anywhere gives sizes or none."""
    head = (body[:at] + spoil + body[at + len(spoil) :])[:cut]
    width, height = sizes_in_head((("inference-header-content-length", "77"),), head).of(0)
    assert (width > 0) == (height > 0)
