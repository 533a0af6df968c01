"""The pictures for README and docs: of pages that there are, and small. The command itself is run by hand."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from PIL import Image, ImageDraw

from sidecar.dashboard import PAGES
from tests.dashboard import screenshots


def test_every_page_has_its_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no picture is of a page that is gone."""

    class Kept:
        prediction_id, sample_id = "p0", "s0"

    monkeypatch.setattr(screenshots, "brightest", lambda _: Kept)
    client: Any = None
    taken: list[screenshots.Shot] = screenshots.shots(client)
    assert len({shot.name for shot in taken}) == len(taken)
    shown = set()
    for shot in taken:
        path = shot.path.partition("?")[0]
        of = [
            page.name
            for page in PAGES
            for pattern in page.paths
            if re.fullmatch(re.sub(r"{\w+}", "[^/]+", pattern), path)
        ]
        assert of, shot.path
        shown |= set(of)
    assert shown >= {page.name for page in PAGES} - {"experiments"}
    assert {shot.theme for shot in taken} == {"light", "dark"}
    assert min(shot.width for shot in taken) == 400


def test_picture_is_made_small_and_keeps_its_size() -> None:
    """As good as there is room for, with the colours that it had."""
    noise = Image.effect_noise((900, 700), 40).convert("RGB")
    ImageDraw.Draw(noise).rectangle((10, 10, 300, 200), fill=(36, 89, 184))
    made = screenshots.small(_png(noise))
    assert Image.open(io.BytesIO(made)).size == noise.size
    assert len(made) <= screenshots.BYTES_MAX < len(_png(noise))
    plain = Image.new("RGB", (700, 500), (36, 89, 184))
    shown = Image.open(io.BytesIO(screenshots.small(_png(plain)))).convert("RGB")
    assert max(abs(high - 36) for high in shown.getextrema()[0]) <= 4


def _png(image: Image.Image) -> bytes:
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()
