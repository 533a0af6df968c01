"""The size of an image from its first bytes, without decoding it."""

from __future__ import annotations

import struct

UNKNOWN = (0, 0)
_JPEG_ALONE = frozenset((0x01, 0xD8, *range(0xD0, 0xD8)))
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def image_size(head: bytes) -> tuple[int, int]:
    """(width, height) in pixels as stored, of a JPEG, PNG, WebP, GIF or BMP; (0, 0) where ``head`` doesn't say.

    ``head`` may be cut off anywhere. EXIF orientation is not applied: model servers differ on it.

    >>> image_size(b"GIF89a" + bytes((64, 1, 240, 0)))
    (320, 240)
    """
    if head[:2] == b"\xff\xd8":
        return _jpeg(head)
    try:
        if head[:8] == b"\x89PNG\r\n\x1a\n":
            return _positive(*struct.unpack_from(">II", head, 16)) if head[12:16] == b"IHDR" else UNKNOWN
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return _webp(head)
        if head[:6] in (b"GIF87a", b"GIF89a"):
            return _positive(*struct.unpack_from("<HH", head, 6))
        if head[:2] == b"BM":
            return _bmp(head)
    except struct.error:
        pass
    return UNKNOWN


def media_type(head: bytes) -> str:
    """The media type by the leading bytes, empty where they are no known image's."""
    if head[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if head[:2] == b"BM" and len(head) >= 26 and head[6:10] == b"\0\0\0\0":
        return "image/bmp"
    return ""


def _positive(width: int, height: int) -> tuple[int, int]:
    return (width, height) if 0 < width < 1 << 31 and 0 < height < 1 << 31 else UNKNOWN


def _jpeg(head: bytes) -> tuple[int, int]:
    """Walk the segments to the frame header (ITU T.81, B.2.2): a large EXIF or ICC segment may hide it from us."""
    at, end = 2, len(head)
    while at + 9 <= end:
        if head[at] != 0xFF:
            return UNKNOWN
        marker = head[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in _JPEG_ALONE:
            at += 2
        elif marker in _JPEG_FRAMES:
            return _positive(head[at + 7] << 8 | head[at + 8], head[at + 5] << 8 | head[at + 6])
        elif marker in (0xD9, 0xDA):  # end of image, start of scan: no frame before it
            return UNKNOWN
        else:
            at += 2 + max(2, head[at + 2] << 8 | head[at + 3])
    return UNKNOWN


def _webp(head: bytes) -> tuple[int, int]:
    kind = head[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return _positive(width & 0x3FFF, height & 0x3FFF) if head[23:26] == b"\x9d\x01\x2a" else UNKNOWN
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return _positive((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1) if head[20] == 0x2F else UNKNOWN
    if kind == b"VP8X" and len(head) >= 30:
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    return UNKNOWN


def _bmp(head: bytes) -> tuple[int, int]:
    (header_bytes,) = struct.unpack_from("<I", head, 14)
    if header_bytes == 12:
        return _positive(*struct.unpack_from("<HH", head, 18))
    width, height = struct.unpack_from("<ii", head, 18)
    return _positive(width, abs(height))  # a negative height means rows from the top
