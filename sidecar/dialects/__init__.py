"""The wire formats of model servers: from the bytes of an exchange to the detections of each image.

``decode`` is the way in: it takes an ``Exchange`` and ``DialectSettings`` and gives a ``DecodedImage`` for each image
of the request; ``decode_all`` reads many exchanges in less time. ``routes.ROUTES`` says which paths carry predictions,
``table.DIALECTS`` which formats there are.
``request.request_images`` finds the images in a request's body.

Invariants: whatever bytes come in, ``decode`` raises ``Undecodable`` or nothing. What cannot be read is never "no
detections". Work and memory are bounded by the body's size and the named bounds of ``body``. No box is dropped but
the padding that the response itself declares as such. Detections come sorted by score, highest first; boxes are
x1, y1, x2, y2 in pixels where the image's size is known.

Names are imported on first use, so that whoever only wants the routes does not load numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sidecar.dialects.image_size import image_size
    from sidecar.dialects.request import RequestImage, request_images, to_png
    from sidecar.dialects.routes import NAMES, ROUTES, routes_for
    from sidecar.dialects.table import decode, decode_all
    from sidecar.dialects.terms import BOX_FORMATS, REASONS, DecodedImage, DialectSettings, Undecodable

__all__ = [
    "BOX_FORMATS",
    "NAMES",
    "REASONS",
    "ROUTES",
    "DecodedImage",
    "DialectSettings",
    "RequestImage",
    "Undecodable",
    "decode",
    "decode_all",
    "image_size",
    "request_images",
    "routes_for",
    "to_png",
]

_MODULES = {
    "BOX_FORMATS": "terms",
    "DecodedImage": "terms",
    "DialectSettings": "terms",
    "NAMES": "routes",
    "REASONS": "terms",
    "ROUTES": "routes",
    "RequestImage": "request",
    "Undecodable": "terms",
    "decode": "table",
    "decode_all": "table",
    "request_images": "request",
    "routes_for": "routes",
    "to_png": "request",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"sidecar.dialects.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'sidecar.dialects' has no attribute {name!r}")
