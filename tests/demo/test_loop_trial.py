"""What the loop makes of an A/B test that no version wins, on the real application; the journey has one that is won."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from sidecar.client import AsyncClient, Record
from sidecar.demo import loop_step
from sidecar.demo.loop_review import Reviewer, TruthFile
from sidecar.demo.loop_step import StepFailed, all_of, percent, until
from sidecar.demo.loop_trial import CONFIG, SHOWN, Contest, is_win
from sidecar.recording import Batch, Store
from tests.api.live import make_prediction
from tests.api.live_watch import LiveWatch
from tests.api.serving import served
from tests.kit.ports import free_ports
from tests.kit.trials_at_hand import TrialsAtHand


@pytest.fixture
def trials() -> TrialsAtHand:
    return TrialsAtHand()


@pytest.fixture
async def filled(tmp_path: Path) -> None:
    """As many predictions of version 1 as are looked at."""
    store = await Store.open(tmp_path)
    made = [make_prediction(index, model="digits") for index in range(SHOWN)]
    await store.commit(Batch(made, [], {(0, 9): 1}))
    await store.close()


@pytest.fixture
def url(tmp_path: Path, filled: None, trials: TrialsAtHand) -> Iterator[str]:
    with served(tmp_path, LiveWatch(), trials=trials) as found:
        yield found


class Told(list[tuple[str, str]]):
    """What was said."""

    def __call__(self, step: str, text: str) -> None:
        self.append((step, text))


async def contest(client: AsyncClient, told: Told, folder: Path) -> Contest:
    test = await client.create_ab_test("Night version", "digits@1", "digits@2", CONFIG)
    reviewer = Reviewer(client, "digits", TruthFile(folder / "truth.jsonl"), "ann")
    return Contest(client, [reviewer], told, "digits", "digits@1", "digits@2", test.id, look_s=0.01)


async def test_no_difference_by_the_end_promotes_nothing(tmp_path: Path, url: str, trials: TrialsAtHand) -> None:
    """Two versions that are alike: it says so, the test is over, and version 1 serves on."""
    told = Told()
    async with AsyncClient(url) as client:
        asked = await contest(client, told, tmp_path)
        trials.traffic(asked.test_id, 800, 0.5)
        results = await asked.decided(time.monotonic())
        assert not is_win(results)
        assert await asked.end(results) is False
        test = await client.ab_test(asked.test_id)
        assert (test.status, test.promoted, test.serving) == ("concluded", None, "digits@1")
        assert (test.decision.winner, test.decision.note) == (None, "no difference yet")
    outcome = dict(told)["outcome"]
    assert "no difference yet" in outcome
    assert "nothing is promoted" in outcome
    assert "digits@1 serves digits" in dict(told)["serving"]


async def test_stopped_test_promotes_nothing(tmp_path: Path, url: str) -> None:
    """Whoever stopped it, a guardrail or a person: the loop does not wait for more."""
    told = Told()
    async with AsyncClient(url) as client:
        asked = await contest(client, told, tmp_path)
        await client.stop_ab_test(asked.test_id, reason="slow")
        assert await asked.end(await asked.decided(time.monotonic() + 60)) is False
        assert (await client.ab_test(asked.test_id)).promoted is None
    assert any(text.startswith("the test is stopped") for _, text in told)


@pytest.mark.parametrize(
    ("verdict", "p_value", "won"),
    [("b_better", 0.04, True), ("b_better", 0.05, False), ("mixed", 0.001, False), ("a_better", 0.001, False)],
)
def test_only_a_sure_verdict_for_the_new_version_is_a_win(verdict: str, p_value: float, won: bool) -> None:
    """Both the verdict and p have to say so."""
    assert is_win(Record(verdict=verdict, p_value=p_value)) is won


async def test_step_that_does_not_come_true_says_what_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sidecar that does not answer is asked again until the time is over."""
    (port,) = free_ports(1)
    asked = 0
    monkeypatch.setattr(loop_step, "time", SimpleNamespace(monotonic=lambda: 0.02 * asked))

    async with AsyncClient(f"http://127.0.0.1:{port}", sleep=_at_once) as client:

        async def there() -> Record | None:
            nonlocal asked
            asked += 1
            return await client.status()

        with pytest.raises(StepFailed, match=r"no answer yet \(after 0.05 s\)"):
            await until(there, 0.05, lambda: "no answer yet", poll_s=0.01)
    assert asked == 3


async def _at_once(_: float) -> None:
    """The client's own pauses between its tries."""


async def test_work_that_fails_ends_the_others() -> None:
    """No reviewer goes on behind a run that has failed."""
    going = True

    async def endless() -> None:
        nonlocal going
        try:
            await until(_nothing, 60, lambda: "")
        finally:
            going = False

    async def failing() -> None:
        raise StepFailed("told")

    with pytest.raises(StepFailed, match="told"):
        await all_of([endless(), failing()])
    assert not going


async def _nothing() -> None:
    return None


def test_share_of_nothing_is_not_a_number_of_percent() -> None:
    """Before the first review there is no score."""
    assert (percent(0.5), percent(float("nan"))) == ("50 %", "?")
