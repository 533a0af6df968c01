"""The simulated reviewer at work on the real application."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.client import AsyncClient
from sidecar.demo.loop_review import Reviewer, TruthFile
from sidecar.demo.reviewer import Truth, truth_line
from sidecar.recording import Datasets, Store
from tests.api.live import START
from tests.api.live_watch import LiveWatch
from tests.api.looped import DATASET, make_item
from tests.api.serving import served

CAT = Truth(((1.0, 2.0, 30.0, 40.0),), ("cat",))
BOTH = Truth(((1.0, 2.0, 30.0, 40.0), (5.0, 5.0, 9.0, 9.0)), ("cat", "dog"))
DRAWN = {"reasons": ("random_sample",), "drawn": True, "draw_rate": 0.5, "audit_rank": 0.5}


@pytest.fixture
async def filled(tmp_path: Path) -> None:
    """Two images of the value queue, of which one is of a scene that nobody knows, and one of the audit."""
    store = await Store.open(tmp_path)
    await Datasets(store).ensure(DATASET, "det", START)
    await store.add_sample(make_item(tmp_path, 0, client_request_id="cat", value=0.9))
    await store.add_sample(make_item(tmp_path, 1, client_request_id="elsewhere", value=0.1))
    await store.add_sample(make_item(tmp_path, 2, client_request_id="both", **DRAWN))
    await store.close()


@pytest.fixture
def url(tmp_path: Path, filled: None) -> Iterator[str]:
    with served(tmp_path, LiveWatch()) as found:
        yield found


async def test_reviewer_labels_what_is_known_and_puts_the_rest_aside(tmp_path: Path, url: str) -> None:
    """Each queue is worked off; labels are the scene's, and verdicts follow from them."""
    truth = tmp_path / "truth.jsonl"
    truth.write_text(truth_line("cat", CAT) + "\n" + truth_line("both", BOTH) + "\n")
    async with AsyncClient(url) as client:
        reviewer = Reviewer(client, DATASET, TruthFile(truth), "ann")
        audited = await reviewer.next("audit")
        assert audited is not None
        assert (audited.id, audited.verdict, audited.reviewed_by) == ("i2", "correct", "ann")
        assert await reviewer.next("audit") is None
        first, second = await reviewer.next("value"), await reviewer.next("value")
        assert first is not None
        assert second is not None
        assert (first.id, first.verdict, len(first.labels)) == ("i0", "false_positive", 1)
        assert (second.id, second.status) == ("i1", "rejected")
        assert await reviewer.next("value") is None
        assert (reviewer.reviewed, reviewer.boxes, reviewer.rejected) == (2, 3, 1)
        assert dict(reviewer.verdicts) == {"correct": 1, "false_positive": 1}
        assert await Reviewer(client, "not-there-yet", TruthFile(truth), "ann").next("value") is None


def test_truth_is_read_on_as_it_is_written(tmp_path: Path) -> None:
    """A file that is not there yet holds nothing, and a line that is half written is left for the next look."""
    path = tmp_path / "truth.jsonl"
    truth = TruthFile(path)
    assert truth.of("a") == {}
    line = truth_line("b", CAT)
    path.write_text(truth_line("a", BOTH) + "\n" + line[:20])
    assert truth.of("a") == {"a": BOTH}
    with path.open("a") as file:
        file.write(line[20:] + "\n")
    assert truth.of("a") == {"a": BOTH}
    assert truth.of("b") == {"a": BOTH, "b": CAT}
