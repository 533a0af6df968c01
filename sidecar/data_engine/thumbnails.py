"""Small copies of kept images, for pages that show many: made in the image process, and remembered for a while."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from concurrent.futures.process import BrokenProcessPool
from math import inf
from pathlib import Path

from sidecar.data_engine.images import ImageFault, thumbnail
from sidecar.data_engine.process import ImageProcess, NotStarted

CACHE_BYTES_MAX = 16 << 20
"""Bytes of thumbnails that are remembered, about a thousand of them; those asked for last."""
FAULT_BYTES = 64
"""What an image that none can be made of counts as, so that these are bounded too."""
WAITING_MAX = 64
"""Thumbnails that are waited for at a time: more than a page shows."""
START_AGAIN_S = 5.0
"""How long the image process is let alone after it could not be started: a page asks for many at a time."""
OUTCOMES = ("made", "remembered", "failed")


class TooMany(Exception):
    """WAITING_MAX thumbnails are waited for."""


class Thumbnails:
    """Thumbnails by ``process``, which images that are to be kept wait for, too: one at a time, so that none of these
    waits for more than one thumbnail.

    ``counts`` says how it went, by OUTCOMES; ``failed`` counts by the reason of an ImageFault, and ``not_started``
    where there is no image process, for which no image is to blame.
    """

    def __init__(
        self, process: ImageProcess, *, bytes_max: int = CACHE_BYTES_MAX, waiting_max: int = WAITING_MAX
    ) -> None:
        self._process = process
        self._bytes_max = bytes_max
        self._waiting_max = waiting_max
        self._known: OrderedDict[str, bytes] = OrderedDict()
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._start_after = -inf
        self.bytes = 0
        self.counts: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
        self.failed: Counter[str] = Counter()

    async def of(self, key: str, path: Path, media_type: str, width: int) -> bytes | None:
        """The image at ``path`` as a JPEG of ``width`` pixels at most; None where none can be made, or none just now.
        ``key`` names what is asked for: the same image and width. Raises TooMany."""
        found = self._remembered(key)
        if found is not None:
            return found or None
        if self._waiting >= self._waiting_max:
            raise TooMany
        self._waiting += 1
        try:
            async with self._turn:
                found = self._remembered(key)  # another may have asked for it meanwhile
                if found is None:
                    found = await self._make(key, path, media_type, width)
        finally:
            self._waiting -= 1
        return found or None

    def _remembered(self, key: str) -> bytes | None:
        """Empty where it is known that none can be made."""
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
            self.counts["remembered"] += 1
        return found

    async def _make(self, key: str, path: Path, media_type: str, width: int) -> bytes:
        try:
            made = await self._asked(path, media_type, width)
        except NotStarted:
            self.counts["failed"] += 1
            self.failed["not_started"] += 1
            return b""  # not remembered: once the process is there it can be made
        if isinstance(made, ImageFault):
            self.counts["failed"] += 1
            self.failed[made.reason] += 1
            made = b""  # known as such: what takes the process down does so once, not at every look
        else:
            self.counts["made"] += 1
        self._known[key] = made
        self.bytes += max(len(made), FAULT_BYTES)
        while self.bytes > self._bytes_max and self._known:
            _, oldest = self._known.popitem(last=False)
            self.bytes -= max(len(oldest), FAULT_BYTES)
        return made

    async def _asked(self, path: Path, media_type: str, width: int) -> bytes | ImageFault:
        """Raises NotStarted, for START_AGAIN_S without another try."""
        clock = asyncio.get_running_loop().time
        if clock() < self._start_after:
            raise NotStarted
        try:
            return await self._process.call(thumbnail, str(path), media_type, width)
        except NotStarted:
            self._start_after = clock() + START_AGAIN_S
            raise
        except TimeoutError:
            return ImageFault("timeout", "decoding took too long")
        except (BrokenProcessPool, MemoryError, OSError) as error:
            return ImageFault("crashed", str(error))
