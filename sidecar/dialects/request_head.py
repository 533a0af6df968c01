"""Image sizes from the first bytes of a request body: bare, in a multipart part, as base64 in JSON, as a tensor."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

from sidecar.dialects.body import field_value, inflated_head
from sidecar.dialects.image_size import UNKNOWN, image_size

PARTS_MAX = 16
"""Places in a head that are looked at for an image."""

# How the base64 of JPEG, PNG, WebP and GIF begins. JSON may write its slashes as \\/.
_BEGINNINGS = (b"/9j/", b"\\/9j", b"iVBORw0KGgo", b"UklGR", b"R0lGOD")
_BEFORE = b"\"', \r\n\t"  # a string, a data URI, or the start of the body
_SHAPE = re.compile(rb'"shape"\s*:\s*\[([\d\s,]{5,60})\]')


@dataclass(slots=True)
class HeadSizes:
    """``each`` in order of the images seen; ``batch`` where a tensor's shape holds for every image of the request."""

    each: tuple[tuple[int, int], ...] = ()
    batch: tuple[int, int] = UNKNOWN

    def of(self, index: int) -> tuple[int, int]:
        return self.each[index] if index < len(self.each) else self.batch


def sizes_in_head(headers: tuple[tuple[str, str], ...], head: bytes) -> HeadSizes:
    """The sizes that ``head`` (the first 2 KiB of a request body) tells; it may be cut off anywhere.

    An image whose size cannot be told ends the list, so that the sizes after it never move up to another image.
    """
    if not head:
        return HeadSizes()
    size = image_size(head)
    if size != UNKNOWN:
        return HeadSizes((size,))
    encoding = field_value(headers, "content-encoding")
    if encoding:
        head = inflated_head(head, encoding)
    if head[:1] in b"{[ \n":
        return _sizes_in_json(headers, head)
    if head[:2] == b"--":
        return HeadSizes(_leading(_parts(head)))
    size = image_size(head)
    return HeadSizes((size,)) if size != UNKNOWN else HeadSizes(_leading(_base64_images(head)))


def _leading(heads: list[bytes]) -> tuple[tuple[int, int], ...]:
    sizes = []
    for head in heads:
        size = image_size(head)
        if size == UNKNOWN:
            break
        sizes.append(size)
    return tuple(sizes)


def _parts(head: bytes) -> list[bytes]:
    """The contents of multipart parts that are files: fields of a form are small texts and no images."""
    parts = []
    boundary = head[: head.find(b"\r\n")] if b"\r\n" in head else head
    for part in head.split(boundary, PARTS_MAX)[1:]:
        fields, blank, content = part.partition(b"\r\n\r\n")
        if blank and (b"filename" in fields or b"image/" in fields.lower() or image_size(content) != UNKNOWN):
            parts.append(content)
    return parts


def _base64_images(text: bytes) -> list[bytes]:
    starts: list[int] = []
    for beginning in _BEGINNINGS:
        at = text.find(beginning)
        while at >= 0 and len(starts) < PARTS_MAX:
            if at == 0 or text[at - 1] in _BEFORE:
                starts.append(at)
            at = text.find(beginning, at + len(beginning))
    images = []
    for start in sorted(starts):
        end = text.find(b'"', start)
        encoded = text[start : end if end >= 0 else len(text)].translate(None, b"\\\r\n =")
        try:
            images.append(binascii.a2b_base64(encoded[: len(encoded) // 4 * 4]))
        except binascii.Error:
            break
    return images


def _sizes_in_json(headers: tuple[tuple[str, str], ...], head: bytes) -> HeadSizes:
    text, tail = head, b""
    json_bytes = field_value(headers, "inference-header-content-length")
    if json_bytes.isascii() and json_bytes.isdigit() and len(json_bytes) < 12:
        text, tail = head[: int(json_bytes)], head[int(json_bytes) :]
    images = _leading(_base64_images(text))
    if images:
        return HeadSizes(images)
    for match in _SHAPE.finditer(text):
        size = _tensor_size(match[1])
        if size != UNKNOWN:
            return HeadSizes((), size)
    size = image_size(tail[4:])  # a BYTES tensor: the first element after its u32 length
    return HeadSizes((size,)) if size != UNKNOWN else HeadSizes()


def _tensor_size(text: bytes) -> tuple[int, int]:
    """(width, height) of [B, C, H, W], [B, H, W, C], [C, H, W] or [H, W, C] with 1, 3 or 4 channels."""
    try:
        shape = [int(number) for number in text.split(b",")]
    except ValueError:
        return UNKNOWN
    return tensor_size(shape)


def tensor_size(shape: list[int]) -> tuple[int, int]:
    """(width, height) of an image tensor's shape, (0, 0) where it is none.

    >>> tensor_size([1, 3, 480, 640]), tensor_size([480, 640, 3]), tensor_size([1, 8])
    ((640, 480), (640, 480), (0, 0))
    """
    if len(shape) not in (3, 4):
        return UNKNOWN
    first, height, width = shape[-3:]
    if first in (1, 3, 4) and min(height, width) > 4:
        return width, height
    if width in (1, 3, 4) and min(first, height) > 4:
        return height, first
    return UNKNOWN
