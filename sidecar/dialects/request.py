"""The images in a request's body, for keeping: bare, multipart, base64 in JSON, tensors of KServe V2 and V1."""

from __future__ import annotations

import binascii
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sidecar.dialects.body import field_value, parse_json, plain
from sidecar.dialects.image_size import media_type
from sidecar.dialects.kserve_v2 import checked_shape, elements_of, from_bytes, from_list
from sidecar.dialects.request_head import tensor_size
from sidecar.dialects.tensorflow_serving import array_of
from sidecar.dialects.terms import Undecodable

IMAGES_MAX = 256
NODES_MAX = 100_000
"""Values of a JSON body that are looked at for an image."""
PIXELS_MAX = 64 << 20
TENSOR = "application/x-tensor"
PILLOW_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")

_BOUNDARY = re.compile(r'boundary="?([^";,]{1,70})"?', re.IGNORECASE)
_DATA_URI = re.compile(r"\s*data:image/[\w.+-]+;base64,")
_SIGNATURES = ("/9j/", "iVBORw0KGgo", "UklGR", "R0lGOD", "Qk")


@dataclass(frozen=True, slots=True)
class RequestImage:
    """One image as it was sent. A tensor (media type ``TENSOR``) has its axes in ``shape``, without the batch, and a
    V2 datatype in ``dtype``; its ``content`` is little-endian and row-major.
    """

    media_type: str
    content: bytes
    shape: tuple[int, ...] = ()
    dtype: str = ""


def request_images(headers: Sequence[tuple[str, str]], body: bytes) -> list[RequestImage]:
    """The images of a request in their order, at most IMAGES_MAX; empty where none is found. Raises nothing.

    ``headers`` are the request's, names in lower case.
    """
    try:
        return _images(headers, body)[:IMAGES_MAX]
    except (Undecodable, ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError):
        return []


def _images(headers: Sequence[tuple[str, str]], body: bytes) -> list[RequestImage]:
    encoding = field_value(headers, "content-encoding")
    if encoding:
        body = plain(body, encoding)
    kind = media_type(body[:64])
    if kind:
        return [RequestImage(kind, body)]
    content_type = field_value(headers, "content-type")
    if body[:2] == b"--" or content_type.lower().startswith("multipart/"):
        return _multipart(content_type, body)
    json_bytes = field_value(headers, "inference-header-content-length")
    if json_bytes:
        return _v2(parse_json(body[: int(json_bytes)]), memoryview(body)[int(json_bytes) :])
    if body.lstrip(b" \t\r\n")[:1] in (b"{", b"["):
        value = parse_json(body)
        if isinstance(value, dict) and isinstance(value.get("inputs"), list) and _is_v2(value["inputs"]):
            return _v2(value, memoryview(b""))
        return _in_json(value)
    if content_type.lower().startswith("image/"):
        return [RequestImage(content_type.partition(";")[0].strip().lower(), body)]
    image = _from_base64(body[:64].decode("ascii", "replace"), body)
    return [image] if image else []


def _multipart(content_type: str, body: bytes) -> list[RequestImage]:
    """The files of a form (RFC 7578): parts that begin like an image, or that say they are one."""
    named = _BOUNDARY.search(content_type)
    boundary = b"--" + named[1].encode() if named else body[: body.find(b"\r\n")]
    if len(boundary) < 3:
        return []
    images: list[RequestImage] = []
    at = body.find(boundary)
    while at >= 0 and len(images) < IMAGES_MAX:
        start = at + len(boundary)
        if body[start : start + 2] != b"\r\n":  # "--" closes the form
            break
        at = body.find(b"\r\n" + boundary, start)
        blank = body.find(b"\r\n\r\n", start, at if at >= 0 else len(body))
        if at < 0 or blank < 0:
            break
        content, fields = body[blank + 4 : at], body[start:blank].lower()
        said = re.search(rb"content-type:\s*(image/[\w.+-]+)", fields)
        kind = media_type(content[:64]) or (said[1].decode() if said else "")
        if kind and content:
            images.append(RequestImage(kind, content))
        at += 2
    return images


def _is_v2(inputs: list[Any]) -> bool:
    return all(isinstance(tensor, dict) and "shape" in tensor and "datatype" in tensor for tensor in inputs)


def _v2(value: Any, tail: memoryview) -> list[RequestImage]:
    images: list[RequestImage] = []
    start = 0
    for tensor in value["inputs"]:
        sizes, elements = checked_shape(tensor["shape"], str(tensor.get("name")))
        shape, datatype = tuple(sizes), str(tensor["datatype"])
        size = (tensor.get("parameters") or {}).get("binary_data_size")
        blob = None
        if isinstance(size, int) and 0 <= size <= len(tail) - start:
            blob = tail[start : start + size]
            start += size
        if datatype == "BYTES":
            images += _bytes_images(tensor, blob, elements)
        elif tensor_size(list(shape)) != (0, 0):
            if blob is not None:
                content = bytes(blob)
                from_bytes(blob, datatype, shape, elements)  # so that its size is what its shape says
            else:
                datatype, content = _packed(from_list(tensor["data"], elements), datatype)
            images += _split(content, shape, datatype)
    return images


def _bytes_images(tensor: dict[str, Any], blob: memoryview | None, elements: int) -> list[RequestImage]:
    if blob is None:
        return _in_json(tensor["data"])
    images = []
    for element in elements_of(blob, elements):
        kind = media_type(element[:64])
        image = RequestImage(kind, element) if kind else _from_base64(element[:64].decode("ascii", "replace"), element)
        if image:
            images.append(image)
    return images


def _packed(numbers: Any, datatype: str) -> tuple[str, bytes]:
    if datatype == "UINT8":
        return datatype, numbers.astype("<u1").tobytes()
    return "FP32", numbers.astype("<f4").tobytes()


def _split(content: bytes, shape: tuple[int, ...], datatype: str) -> list[RequestImage]:
    """One image for each of the batch: a tensor of four axes has the batch first."""
    if len(shape) == 3:
        return [RequestImage(TENSOR, content, shape, datatype)]
    each = len(content) // shape[0] if shape[0] else 0
    count = min(shape[0], IMAGES_MAX)
    return [RequestImage(TENSOR, content[i * each : (i + 1) * each], shape[1:], datatype) for i in range(count)]


def _in_json(value: Any) -> list[RequestImage]:
    """Texts that begin like the base64 of an image, wherever they lie; else V1's arrays of pixels."""
    images: list[RequestImage] = []
    for text in _texts(value):
        image = _from_base64(text[:256], text)
        if image:
            images.append(image)
            if len(images) == IMAGES_MAX:
                break
    if not images and isinstance(value, dict):
        instances = value.get("instances", value.get("inputs"))
        if isinstance(instances, list) and instances and isinstance(instances[0], list):
            return _pixels(array_of(instances))
    return images


def _texts(value: Any) -> Iterator[str]:
    """Texts of at least 32 characters in document order, without recursion, of the first NODES_MAX values."""
    stack, seen = [value], 0
    while stack and seen < NODES_MAX:
        node = stack.pop()
        seen += 1
        if isinstance(node, str):
            if len(node) >= 32:
                yield node
        elif isinstance(node, dict):
            stack.extend(reversed(node.values()))
        elif isinstance(node, list) and not (node and isinstance(node[0], int | float)):
            stack.extend(reversed(node))


def _pixels(array: Any) -> list[RequestImage]:
    if isinstance(array, list) or tensor_size(list(array.shape)) == (0, 0):
        return []
    whole = bool((array >= 0).all() and (array <= 255).all() and (array == np.floor(array)).all() and array.max() > 1)
    datatype, content = _packed(array, "UINT8" if whole else "FP32")
    return _split(content, array.shape, datatype)


def _from_base64(beginning: str, text: str | bytes) -> RequestImage | None:
    """The image that ``text`` is the base64 of; ``beginning`` is its first characters."""
    uri = _DATA_URI.match(beginning)
    skipped = uri.end() if uri else len(beginning) - len(beginning.lstrip())
    if not beginning.startswith(_SIGNATURES, skipped):
        return None
    try:
        content = binascii.a2b_base64(text[skipped:])
    except (binascii.Error, ValueError):
        return None
    kind = media_type(content[:64])
    return RequestImage(kind, content) if kind else None


def to_png(image: RequestImage) -> bytes:
    """``image`` as PNG. Raises ValueError where it is damaged, of another format, or of more than PIXELS_MAX pixels.

    Float tensors are scaled to 0..255: from 0..1 where they stay within, as they are where they go beyond 1, and
    by their own range where they have negative values (a model's own mean and deviation are unknown).
    """
    from PIL import Image, UnidentifiedImageError

    if image.media_type == TENSOR:
        picture = Image.fromarray(_to_pixels(image))
    else:
        try:
            picture = Image.open(io.BytesIO(image.content), formats=PILLOW_FORMATS)
            if picture.width * picture.height > PIXELS_MAX:
                raise ValueError(f"image of {picture.width} x {picture.height}, at most {PIXELS_MAX} pixels")
            picture.load()
        except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
            raise ValueError(f"unreadable image: {error}") from error
        if picture.mode not in ("L", "LA", "RGB", "RGBA", "P", "1"):
            picture = picture.convert("RGB")
    written = io.BytesIO()
    picture.save(written, "PNG")
    return written.getvalue()


def _to_pixels(image: RequestImage) -> Any:
    width, height = tensor_size(list(image.shape))
    if not 0 < width * height <= PIXELS_MAX:
        raise ValueError(f"tensor of shape {list(image.shape)} is no image of at most {PIXELS_MAX} pixels")
    elements = int(np.prod(image.shape, dtype=object))
    try:
        array = from_bytes(memoryview(image.content), image.dtype, image.shape, elements)
    except Undecodable as error:
        raise ValueError(str(error)) from error
    if image.shape[0] in (1, 3, 4) and min(image.shape[1:]) > 4:
        array = array.transpose(1, 2, 0)
    if array.dtype != np.uint8:
        array = np.nan_to_num(array.astype(np.float32), posinf=0.0, neginf=0.0)
        low, high = float(array.min()), float(array.max())
        if low < 0:
            array = (array - low) * (255 / (high - low)) if high > low else np.zeros_like(array)
        elif high <= 1:
            array = array * 255
        array = np.clip(np.rint(array), 0, 255).astype(np.uint8)
    array = np.ascontiguousarray(array)
    return array[:, :, 0] if array.shape[2] == 1 else array
