"""Pictures of the dashboard for README and docs: ``python -m tests.dashboard.screenshots [--url URL] [NAME ...]``.

Starts the real demo, waits until it has something to tell, has a few images reviewed, and takes every page in Chromium
without a window. Writes docs/images/NAME.webp, each as good as it can be while it stays small. ``--url`` takes a
running demo instead.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from sidecar import Client
from sidecar.client.records import Sample
from tests.dashboard.browser import Page, missing_programs, started
from tests.kit.ports import free_ports
from tests.kit.sidecar import wait_for

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"
DATASET = "digits"
REVIEWER = "Ada"
REVIEWED = 24
BRIGHTEST_OF = 300
KEPT_FOR = "low_confidence"
PAST_DAYS = 35
"""Traffic that the demo has behind it: two weeks of a baseline, and weeks to compare with that."""
START_S = 300.0
TELLING_S = 300.0
SETTLE_S = 2.0
"""After the answers came: charts are drawn and images decoded."""
BYTES_MAX = 200_000
QUALITIES = (88, 80, 70, 60, 45, 30)
"""Of a lossy WebP: the best that fits into BYTES_MAX."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture of the page at ``path``, of ``width`` x ``height`` pixels. ``ready`` is a CSS selector of what must be
    there, ``act`` what is done before, ``below`` an element at the top of the picture."""

    name: str
    path: str
    ready: str
    width: int = 1440
    height: int = 900
    theme: str = "light"
    act: Callable[[Page], None] = lambda _: None
    below: str = ""


def review(page: Page) -> None:
    """Give a name, where it is asked for, and wait for the image."""
    page.wait(lambda: page.is_visible("#reviewing") or page.is_visible("#name-dialog"), "the review")
    if page.is_visible("#name-dialog"):
        page.run("document.querySelector('#name-field').focus()")
        page.press(*REVIEWER, "\ue007")
    page.wait(lambda: page.count("#reviewing-image[data-state='shown']"), "an image")


def brightest(client: Client) -> Sample:
    """An image to review with something to see on it that was taken by day: noise of the night takes more bytes than
    anything else. Of those drawn for the audit it is not told which prediction they are of."""
    waiting = islice(client.samples(model=DATASET, status="needs_review"), BRIGHTEST_OF)
    return min(
        (sample for sample in waiting if sample.prediction_id and KEPT_FOR in sample.reasons),
        key=lambda sample: sample.bytes,
    )


def shots(client: Client) -> list[Shot]:
    """All of them, in the order of the pages."""
    sample = brightest(client)
    return [
        Shot("overview", "/?range=7d", "#main canvas", height=1000),
        Shot("overview-dark", "/?range=7d", "#main canvas", height=1000, theme="dark"),
        Shot("overview-narrow", "/?range=7d", "#main canvas", width=400, height=860),
        Shot("predictions", "/predictions?model=digits", "#main img, #main image", height=900),
        Shot("prediction", f"/predictions/{sample.prediction_id}", "#main image, #main img", width=1200, height=760),
        Shot(
            "review",
            f"/review?dataset={DATASET}&item={sample.sample_id}",
            "#reviewing-image[data-state='shown']",
            height=860,
            act=review,
        ),
        Shot("experiment", "/experiments/ab-tests/digits-v2", "#main canvas", height=1100),
        Shot("shadow", "/experiments/shadow-tests/gate-v2", "#main canvas", width=1200, height=760),
        Shot("drift", "/drift", "#drift article", height=1000),
        Shot("alerts", "/alerts", "#alerts article, #alerts li", height=900),
        Shot("datasets", f"/datasets/{DATASET}", "#one-facts", width=1200, height=720),
        Shot("settings", "/settings", "#health", height=1000),
    ]


@contextlib.contextmanager
def demo(folder: Path) -> Iterator[str]:
    """The admin URL of a demo of its own, with its data in ``folder``."""
    ports = dict(zip(("--port", "--admin-port", "--health-port"), map(str, free_ports(3)), strict=True))
    command = [sys.executable, "-m", "sidecar", "demo", "--past", str(PAST_DAYS), "--data-dir", str(folder / "data")]
    with (folder / "demo.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *(word for pair in ports.items() for word in pair)], stdout=log, stderr=log
        )
        try:
            yield f"http://127.0.0.1:{ports['--admin-port']}"
        finally:
            process.terminate()
            process.wait(60)


def prepare(client: Client) -> None:
    """Wait until an alert has fired and images were kept, and have some reviewed, so that no page is empty."""
    wait_for(lambda: _says(lambda: client.status().ok), START_S, "the demo")
    with contextlib.suppress(TimeoutError):  # on a busy machine there may be too little traffic to tell
        wait_for(lambda: _says(lambda: any(client.alert_transitions(limit=50))), TELLING_S, "an alert")
    enough = 3 * REVIEWED
    wait_for(
        lambda: _says(lambda: len(client.get_flagged_items(DATASET, limit=enough, queue="value")) == enough),
        TELLING_S,
        f"{enough} images to review",
    )
    for _ in range(REVIEWED):
        item = client.claim_next_item(DATASET, by=REVIEWER)
        if item is None:
            break
        client.confirm_item(item.id, by=REVIEWER)
    if not client.dataset_versions(DATASET):
        client.create_dataset_version(DATASET, name="First night")


def _says(ask: Callable[[], Any]) -> Any:
    with contextlib.suppress(Exception):  # it may be starting
        return ask()
    return None


def take(driver: WebDriver, url: str, shot: Shot) -> bytes:
    """One picture, as the browser makes it (PNG)."""
    features = [{"name": "prefers-color-scheme", "value": shot.theme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
    page = Page(driver, url, shot.path)
    page.open(shot.width)
    size = {"width": shot.width, "height": shot.height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.wait(lambda: page.text("#state") not in ("", "Loading…"), "the first answers")
    shot.act(page)
    page.wait(lambda: page.is_visible(shot.ready), f"{shot.ready} on {shot.path}")
    if shot.below:
        page.run("document.querySelector(arguments[0]).scrollIntoView()", shot.below)
    page.run("document.activeElement.blur()")
    time.sleep(SETTLE_S)
    return driver.get_screenshot_as_png()


def small(picture: bytes) -> bytes:
    """The picture in the best of QUALITIES that fits into BYTES_MAX; in the worst where none does."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    for quality in QUALITIES:
        written = io.BytesIO()
        image.save(written, "WEBP", quality=quality, method=6)
        if written.tell() <= BYTES_MAX:
            break
    return written.getvalue()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these pictures")
    parser.add_argument("--url", help="the admin port of a running demo")
    parser.add_argument("--into", type=Path, default=FOLDER, help="where the pictures go (docs/images)")
    given = parser.parse_args(arguments)
    if missing := missing_programs():
        print(f"not here: {' and '.join(missing)}; Debian has them in chromium and chromium-driver", file=sys.stderr)
        return 2
    os.environ["TZ"] = "UTC"  # of the browser, so that pictures tell the same times wherever they are made
    given.into.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = given.url or stack.enter_context(demo(folder))
        client = stack.enter_context(Client(url))
        prepare(client)
        driver = stack.enter_context(started(folder / "profile"))
        return taken(driver, url, client, given.into, given.names)


def taken(driver: WebDriver, url: str, client: Client, into: Path, names: list[str]) -> int:
    """Take the pictures, telling of each; how many could not be taken."""
    from selenium.common.exceptions import WebDriverException

    failed = 0
    for shot in shots(client):
        if names and shot.name not in names:
            continue
        try:
            picture = small(take(driver, url, shot))
        except (AssertionError, WebDriverException) as error:
            print(f"{shot.name}: {str(error).splitlines()[0]}", file=sys.stderr)
            failed += 1
            continue
        (into / f"{shot.name}.webp").write_bytes(picture)
        over = f", over {BYTES_MAX / 1000:.0f} kB" if len(picture) > BYTES_MAX else ""
        print(f"{into / shot.name}.webp: {len(picture) / 1000:.0f} kB{over}", flush=True)
    return failed


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
