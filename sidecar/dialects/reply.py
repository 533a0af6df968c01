"""An exchange's response on its way through a dialect: the parsed JSON, the bytes after it, and what frames boxes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sidecar.dialects.body import field_value, parse_json, plain
from sidecar.dialects.columns import Frame
from sidecar.dialects.request_head import HeadSizes, sizes_in_head
from sidecar.dialects.terms import DialectSettings, Undecodable
from sidecar.types import Exchange

IMAGES_MAX = 1024
"""Images of one request."""


@dataclass(slots=True)
class Reply:
    """``value`` is the JSON part, ``tail`` the binary tensors after it (empty in all formats but V2)."""

    exchange: Exchange
    settings: DialectSettings
    value: Any
    tail: memoryview
    model_version: str = ""
    _sizes: HeadSizes | None = field(default=None)

    def frame(
        self,
        index: int,
        box_format: str = "xyxy",
        normalised: bool | None = None,
        size: tuple[int, int] = (0, 0),
    ) -> Frame:
        """What the boxes of image ``index`` relate to; ``size`` as the response says it, else the request head's."""
        if size == (0, 0):
            if self._sizes is None:
                self._sizes = sizes_in_head(self.exchange.request_headers, self.exchange.request_head)
            size = self._sizes.of(index)
        return Frame(size[0], size[1], box_format, normalised, self.model_version)


def open_reply(exchange: Exchange, settings: DialectSettings) -> Reply:
    """The response body of ``exchange``, inflated and parsed. Raises Undecodable."""
    if exchange.status and not 200 <= exchange.status < 300:
        raise Undecodable("error_reply", f"status {exchange.status}")
    if exchange.response_too_large:
        raise Undecodable("too_large", f"response of {exchange.response_bytes} bytes")
    if exchange.error:
        raise Undecodable("truncated", f"the exchange ended with {exchange.error}")
    body = exchange.response_body
    if not body:
        raise Undecodable("empty")
    encoding = field_value(exchange.response_headers, "content-encoding")
    if encoding:
        body = plain(body, encoding)
        if not body:
            raise Undecodable("empty")
    json_bytes = field_value(exchange.response_headers, "inference-header-content-length")
    if not json_bytes:
        return Reply(exchange, settings, parse_json(body), memoryview(b""))
    if not (json_bytes.isascii() and json_bytes.isdigit() and len(json_bytes) < 12):
        raise Undecodable("shape", f"Inference-Header-Content-Length: {json_bytes[:20]!r}")
    if int(json_bytes) > len(body):
        raise Undecodable("truncated", f"JSON part of {json_bytes} bytes in a body of {len(body)}")
    return Reply(exchange, settings, parse_json(body[: int(json_bytes)]), memoryview(body)[int(json_bytes) :])


def positive_size(width: Any, height: Any) -> tuple[int, int]:
    """(width, height) where a response gives both as plausible numbers, else (0, 0)."""
    if isinstance(width, str) and isinstance(height, str) and width.isdecimal() and height.isdecimal():
        width, height = int(width[:10]), int(height[:10])
    if isinstance(width, int | float) and isinstance(height, int | float) and 1 <= width < 1e7 and 1 <= height < 1e7:
        return int(width), int(height)
    return 0, 0


def bounded_images(images: list[Any]) -> list[Any]:
    """``images`` itself. Raises Undecodable where there are more than IMAGES_MAX."""
    if len(images) > IMAGES_MAX:
        raise Undecodable("too_large", f"{len(images)} images in one response, at most {IMAGES_MAX}")
    return images
