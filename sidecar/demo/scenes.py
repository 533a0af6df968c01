"""Parcel labels with handwritten digits, composed with numpy and Pillow; every digit's box is known."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from sidecar.demo.digits import Pixels, Pool

Kind = Literal["ordinary", "empty", "crowded", "short"]

WIDTH_PX, HEIGHT_PX = 480, 360
CARDBOARD = (172, 128, 84)
PAPER = (244, 241, 232)
PRINT = (52, 50, 50)
INK = np.array([30, 34, 84], np.float32)
INK_VISIBLE = 0.35
"""A digit's box encloses the pixels with at least this much ink."""
NOISE_DAY, NOISE_NIGHT = 4.0, 15.0
"""Standard deviations of the camera's noise, of 255."""
LIGHT_SHARP = 0.6
"""Under this light the camera opens its lens, and what it sees gets out of focus ..."""
DEFOCUS_NIGHT_PX = 2.5
"""... by up to this radius."""
ROWS_BY_KIND: dict[Kind, tuple[int, int, int]] = {
    "empty": (0, 1, 1),
    "short": (1, 2, 4),
    "ordinary": (2, 3, 6),
    "crowded": (4, 8, 9),
}
"""Rows, and fewest and most digits in a row."""


@dataclass(frozen=True, slots=True)
class Scene:
    """``pixels``: [HEIGHT_PX, WIDTH_PX, 3] uint8 RGB. ``boxes``: [N, 4] x1 y1 x2 y2 in pixels. ``labels``: [N]."""

    pixels: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]

    def jpeg(self, quality: int = 88) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(self.pixels).save(buffer, "JPEG", quality=quality)
        return buffer.getvalue()


def compose(
    rng: np.random.Generator,
    pool: Pool,
    *,
    light: float = 1.0,
    kind: Kind = "ordinary",
    weights: NDArray[np.float64] | None = None,
) -> Scene:
    """A label with digits of ``pool``. ``light``: 1 at noon, 0 at night. ``weights``: [10], how often each digit."""
    left, top, right, bottom = _label(rng)
    canvas = _print(rng, left, top, right, bottom)
    chance = np.ones(10) if weights is None else weights
    of_image = chance[pool.labels] / np.bincount(pool.labels, minlength=10)[pool.labels]
    of_image = of_image / of_image.sum()
    boxes: list[tuple[int, int, int, int]] = []
    labels: list[int] = []
    for x, y, size in _places(rng, kind, left, top + 58, right, bottom):
        chosen = int(rng.choice(len(of_image), p=of_image))
        ink = _ink(rng, pool.images[chosen], size)
        strength = 0.95 * ink[..., None]
        spot = canvas[y : y + size, x : x + size]
        spot[:] = spot * (1 - strength) + INK * strength
        ys, xs = np.nonzero(ink >= INK_VISIBLE)
        boxes.append((x + int(xs.min()), y + int(ys.min()), x + int(xs.max()) + 1, y + int(ys.max()) + 1))
        labels.append(int(pool.labels[chosen]))
    sharp = Image.fromarray(canvas.astype(np.uint8))
    seen = _lit(rng, np.asarray(_defocused(sharp, light)), light)
    return Scene(seen, np.array(boxes, np.float32).reshape(-1, 4), np.array(labels, np.int64))


def _label(rng: np.random.Generator) -> tuple[int, int, int, int]:
    return int(rng.integers(14, 40)), int(rng.integers(10, 26)), 480 - int(rng.integers(14, 40)), 350


def _print(rng: np.random.Generator, left: int, top: int, right: int, bottom: int) -> Pixels:
    """Cardboard with a paper label: a frame, a bar code and the printed lines of an address."""
    image = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), CARDBOARD)
    draw = ImageDraw.Draw(image)
    draw.rectangle((left, top, right, bottom), fill=PAPER)
    draw.rectangle((left + 5, top + 5, right - 5, bottom - 5), outline=PRINT)
    draw.line((left + 5, top + 54, right - 5, top + 54), fill=PRINT)
    at = right - 150
    while at < right - 16:
        wide = int(rng.integers(1, 4))
        draw.rectangle((at, top + 12, at + wide - 1, top + 46), fill=PRINT)
        at += wide + int(rng.integers(1, 4))
    for line in range(3):
        long = int(rng.integers(60, 160))
        draw.rectangle((left + 16, top + 15 + 12 * line, left + 16 + long, top + 18 + 12 * line), fill=(120, 118, 116))
    return np.array(image, np.float32)


def _places(
    rng: np.random.Generator, kind: Kind, left: int, top: int, right: int, bottom: int
) -> list[tuple[int, int, int]]:
    """(x, y, size) of the digits' squares: in rows, as a hand writes them, with no two squares over each other."""
    rows, fewest, most = ROWS_BY_KIND[kind]
    places: list[tuple[int, int, int]] = []
    if not rows:
        return places
    height = (bottom - top - 14) // rows
    largest = min(56, height - 6)
    for row in range(rows):
        count = int(rng.integers(fewest, most + 1))
        size = int(rng.integers(int(largest * 0.7), largest + 1))
        pitch = min(size + 6, (right - left - 24) // count)
        size = min(size, pitch - 2)
        x = left + 12 + int(rng.integers(0, max(right - left - 24 - pitch * count, 0) + 1))
        for column in range(count):
            y = top + 6 + row * height + int(rng.integers(0, max(height - size - 4, 0) + 1)) // 2
            places.append((x + column * pitch, y, size))
    return places


def _ink(rng: np.random.Generator, digit: Pixels, size: int) -> Pixels:
    """[size, size] ink from 0 to 1: the 8 x 8 image enlarged, leaning a little."""
    margin = size // 10
    image = Image.fromarray((digit * 255).astype(np.uint8)).resize(
        (size - 2 * margin, size - 2 * margin), Image.Resampling.BICUBIC
    )
    square = Image.new("L", (size, size))
    square.paste(image, (margin, margin))
    leaning = square.rotate(float(rng.normal(0, 6)), Image.Resampling.BILINEAR)
    ink = np.asarray(leaning, np.float32) / 255
    return np.clip((ink - 0.2) * 1.6, 0, 1)


def _lit(rng: np.random.Generator, canvas: NDArray[np.uint8], light: float) -> NDArray[np.uint8]:
    """The scene under a lamp from one side, through a camera whose noise grows as the light falls."""
    slope = rng.normal(0, 0.12, 2)
    ys = np.linspace(-1, 1, HEIGHT_PX, dtype=np.float32)[:, None]
    xs = np.linspace(-1, 1, WIDTH_PX, dtype=np.float32)[None, :]
    lamp = ((0.22 + 0.74 * light) * (1 + slope[0] * ys + slope[1] * xs)).astype(np.float32)
    noise = rng.standard_normal((HEIGHT_PX, WIDTH_PX), dtype=np.float32)
    noise *= NOISE_NIGHT + (NOISE_DAY - NOISE_NIGHT) * light
    seen = np.empty((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    for colour in range(3):  # one after the other: numpy is slow where the last axis is short
        plane = canvas[..., colour] * lamp
        plane += noise
        seen[..., colour] = np.clip(plane, 0, 255, out=plane)
    return seen


def _defocused(image: Image.Image, light: float) -> Image.Image:
    radius = DEFOCUS_NIGHT_PX * max(0.0, 1 - light / LIGHT_SHARP)
    if radius < 0.5:
        return image
    # blurred at half the size: a quarter of the work, and nobody sees it
    half = image.reduce(2).filter(ImageFilter.GaussianBlur(radius / 2))
    return half.resize(image.size, Image.Resampling.BILINEAR)
