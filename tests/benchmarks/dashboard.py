"""How fast the overview is there, and its charts of ninety days: ``python -m tests.benchmarks.dashboard [--runs N]``.

A store with ninety days of summaries of two versions, the real application, headless Chromium on loopback. The first
screen is timed from the navigation's start until the charts are drawn, with an empty cache; drawing alone from the
moment the answer is there.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tests.api.live_watch import LiveWatch
from tests.api.serving import served
from tests.dashboard.browser import Page, started
from tests.kit.ninety_days import fill

TARGETS = {"first screen": "300 ms", "drawing": "100 ms", "over the wire": "150 KB", "answer": "100 ms"}
DRAWN = "return document.body.dataset.range === arguments[0]"
TIMES = """
const [first] = performance.getEntriesByName('overview-drawn');
const drawing = performance.getEntriesByName('overview-drawing').pop();
const entries = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
const bytes = entries.reduce((sum, one) => sum + one.transferSize, 0);
return [first.startTime, drawing.duration, bytes];
"""


def measure(runs: int) -> None:
    """Print the medians."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as profile:
        asyncio.run(fill(Path(folder), time.time()))
        with served(Path(folder), LiveWatch()) as url, started(Path(profile)) as driver:
            page = Page(driver, url)
            for days, name in ((1 / 24, "1h"), (1, "24h"), (90, "90d")):
                found = [_run(page, name) for _ in range(runs)]
                first, drawing, size = (statistics.median(column) for column in zip(*found, strict=True))
                print(f"{name}: first screen {first:.0f} ms ({TARGETS['first screen']}), ", end="")
                print(f"drawing {drawing:.0f} ms ({TARGETS['drawing']}), ", end="")
                print(f"over the wire {size / 1_000:.0f} KB ({TARGETS['over the wire']}), ", end="")
                answer = statistics.median(_answers(url, days, runs))
                print(f"answer {answer:.0f} ms ({TARGETS['answer']})")
            driver.get("about:blank")


def _run(page: Page, name: str) -> Sequence[float]:
    """(first screen, drawing, bytes) of one visit without anything kept."""
    page.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
    page.open(path=f"/?range={name}")
    page.wait(lambda: page.run(DRAWN, name), "the charts")
    found: Sequence[float] = page.run(TIMES)
    return found


def _answers(url: str, days: float, runs: int) -> list[float]:
    """Of the API alone, ms."""
    times = []
    for _ in range(runs):
        since, begun = time.time() - days * 86_400, time.perf_counter()
        urllib.request.urlopen(f"{url}/api/v1/overview?since={since}").read()
        times.append(1_000 * (time.perf_counter() - begun))
    return times


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    measure(parser.parse_args().runs)
