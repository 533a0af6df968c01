"""What is done with the bytes of images. These functions run in a process of their own: see ``process``."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from sidecar.dialects.request import TENSOR, RequestImage, request_images, to_png

PIXELS_MAX = 64 << 20
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
DRAFT_SIDE = 256
"""A JPEG is decoded at the smallest of its scales with sides this long or longer: an eighth of the work, mostly."""
LUMA_MAX = 255.0
THUMBNAIL_ASPECT_MAX = 4
"""How many times as high as wide a thumbnail may be."""
THUMBNAIL_QUALITY = 80
HASH_SIDE = 8


@dataclass(frozen=True, slots=True)
class Prepared:
    """An image ready to be stored: as it was sent, or a tensor as PNG. Sizes in pixels.

    ``image_hash`` is its difference hash, ``checksum`` the SHA-256 of ``content`` in hex.
    """

    media_type: str
    content: bytes
    width: int
    height: int
    image_hash: int = 0
    checksum: str = ""


@dataclass(frozen=True, slots=True)
class ImageFault:
    """Why an image could not be had. ``reason`` is one of no_image, format, too_large, broken, tensor, crashed,
    timeout.
    """

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """The input probe's measure of an image. ``brightness`` is its mean luma (ITU-R BT.601) in 0..1."""

    width: int
    height: int
    brightness: float


Request = tuple[tuple[tuple[str, str], ...], bytes]
"""The header fields and the body of a request."""


def examine(
    request: Request, indices: Sequence[int], with_probe: bool
) -> tuple[list[Prepared | ImageFault], Probe | ImageFault | None]:
    """The images at ``indices`` of a request, and the probe of its first. Raises nothing on any bytes."""
    images = request_images(*request)
    prepared = [prepare(images[i]) if i < len(images) else _no_image(i, images) for i in indices]
    if not with_probe:
        return prepared, None
    return prepared, probe(images[0]) if images else _no_image(0, images)


def _no_image(index: int, images: Sequence[RequestImage]) -> ImageFault:
    return ImageFault("no_image", f"the request has {len(images)} readable images, none at {index}")


def prepare(image: RequestImage) -> Prepared | ImageFault:
    """``image`` for storing, after it was decoded once to know that it can be."""
    if image.media_type == TENSOR:
        image = _from_tensor(image)
        if not image.content:
            return ImageFault("tensor", "its shape and type make no image")
    opened = _open(image)
    if isinstance(opened, ImageFault):
        return opened
    width, height, picture = opened
    try:
        image_hash = difference_hash(picture)
    except Exception as error:  # a mode that Pillow has and can't turn to grey
        return _broken(error)
    return Prepared(image.media_type, image.content, width, height, image_hash, sha256(image.content).hexdigest())


def difference_hash(picture: Any) -> int:
    """64 bits of an image: whether, of its 9 x 8 grey means, each is brighter than its left neighbour.

    Row by row, the first bit the highest; as a signed integer, -2^63 to 2^63 - 1, which a database can hold. The same
    scene gives nearly the same bits at another size, brightness or quality (N. Krawetz, "Kind of Like That", 2013).

    >>> from PIL import Image
    >>> difference_hash(Image.linear_gradient("L").rotate(90)), difference_hash(Image.new("L", (30, 20)))
    (-1, 0)
    """
    from PIL import Image

    grey = picture.convert("L").resize((HASH_SIDE + 1, HASH_SIDE), Image.Resampling.BOX)
    levels = np.asarray(grey, np.int16)
    bits = np.packbits(levels[:, 1:] > levels[:, :-1])
    return int.from_bytes(bits.tobytes(), "big", signed=True)


def probe(image: RequestImage) -> Probe | ImageFault:
    """Size and brightness of ``image``."""
    if image.media_type == TENSOR:
        image = _from_tensor(image)
        if not image.content:
            return ImageFault("tensor", "its shape and type make no image")
    opened = _open(image)
    if isinstance(opened, ImageFault):
        return opened
    width, height, picture = opened
    try:
        return Probe(width, height, _brightness(picture))
    except Exception as error:
        return _broken(error)


def thumbnail(path: str, media_type: str, width: int) -> bytes | ImageFault:
    """The kept image at ``path`` as a JPEG of ``width`` pixels at most, or THUMBNAIL_ASPECT_MAX as many in height.

    As its pixels are stored, whatever its EXIF says of turning: boxes are in those, and models see those.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        return ImageFault("no_image", type(error).__name__)
    opened = _open(RequestImage(media_type, content), (width, 1))
    if isinstance(opened, ImageFault):
        return opened
    try:
        picture = _opaque(opened[2])
        picture.thumbnail((width, width * THUMBNAIL_ASPECT_MAX))
        made = io.BytesIO()
        picture.save(made, "JPEG", quality=THUMBNAIL_QUALITY)
    except Exception as error:
        return _broken(error)
    return made.getvalue()


def _opaque(picture: Any) -> Any:
    """In RGB, on white where it is transparent. Of 16 bits a channel the upper 8, as a browser shows them."""
    from PIL import Image

    if picture.mode.startswith("I"):
        picture = Image.fromarray(np.clip(np.asarray(picture) >> 8, 0, 255).astype(np.uint8))
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    clear = picture.convert("RGBA")
    ground = Image.new("RGB", clear.size, "white")
    ground.paste(clear, mask=clear.getchannel("A"))
    return ground


def _from_tensor(image: RequestImage) -> RequestImage:
    try:
        return RequestImage("image/png", to_png(image))
    except (ValueError, TypeError, KeyError, MemoryError, OverflowError):
        return RequestImage("image/png", b"")


def _open(image: RequestImage, least: tuple[int, int] = (DRAFT_SIDE, DRAFT_SIDE)) -> tuple[int, int, Any] | ImageFault:
    """(width, height, decoded picture, of a JPEG perhaps a smaller one but no less than ``least``) or what is wrong."""
    from PIL import Image  # only ever in the image process

    if image.media_type not in FORMATS:
        return ImageFault("format", f"{image.media_type or 'an unknown format'} is not kept")
    try:
        picture = Image.open(io.BytesIO(image.content), formats=(FORMATS[image.media_type],))
        width, height = picture.size
        if width * height > PIXELS_MAX:
            return ImageFault("too_large", f"{width} x {height} pixels, at most {PIXELS_MAX}")
        picture.draft("RGB", least)
        picture.load()
        return width, height, picture
    except Image.DecompressionBombError as error:
        return ImageFault("too_large", str(error))
    except Exception as error:  # decoders raise anything on hostile bytes
        return _broken(error)


def _broken(error: Exception) -> ImageFault:
    return ImageFault("broken", f"{type(error).__name__}: {error}"[:200])


def _brightness(picture: Any) -> float:
    from PIL import ImageStat

    return float(ImageStat.Stat(picture.convert("L")).mean[0] / LUMA_MAX)
