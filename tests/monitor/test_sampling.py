"""Which images the monitor asks for."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from sidecar.dialects import DecodedImage
from sidecar.monitor.predictions import is_answer, predictions_of
from sidecar.monitor.sampling import PROBE, PROBES_PER_S_MAX, WANTED_MAX, Decision, Sampling, Wanted
from sidecar.types import Detections, Prediction
from tests.kit.build import exchange

IMAGE = DecodedImage(Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32), ()), 8, 8)


@dataclass
class Keep:
    reasons: tuple[str, ...] = ("no_detections",)
    probability: float = 0.5
    drawn: bool = False
    draw_rate: float = 0.0
    value: float = 0.25
    disagreement: float = 0.0


class Worker:
    """Notes what it was asked; ``here`` says whether it is connected."""

    def __init__(self, decision: Keep | None) -> None:
        self.here = True
        self.wants: list[str] = []
        self.releases: list[str] = []
        self.kept: list[tuple[Wanted, bytes]] = []
        self.sampling = Sampling(
            lambda seen: [decision] * len(seen),
            lambda wanted, body: self.kept.append((wanted, body)),
            self.want,
            self.release,
        )

    def want(self, worker: int, epoch: int, prediction_id: str) -> bool:
        self.wants.append(prediction_id)
        return self.here

    def release(self, worker: int, epoch: int, prediction_id: str) -> None:
        self.releases.append(prediction_id)

    def consider(self, prediction_id: str = "p", pinned: tuple[str, ...] = ()) -> list[Prediction]:
        seen = exchange(prediction_id=prediction_id, pinned=pinned)
        predictions = predictions_of(seen, [IMAGE], 0.25)
        self.sampling.consider([((0, 1), seen, predictions)])
        return predictions


def test_wanted_image_is_kept_when_it_comes() -> None:
    """The body that was asked for is kept with the prediction and the decision that asked."""
    worker = Worker(Keep())
    (prediction,) = worker.consider()
    worker.sampling.image("p", b"jpeg")
    ((wanted, body),) = worker.kept
    assert (worker.wants, body, wanted.keep[0][0]) == (["p"], b"jpeg", prediction)


def test_unasked_image_is_ignored() -> None:
    """A body nobody waits for changes nothing."""
    worker = Worker(Keep())
    worker.sampling.image("p", b"jpeg")
    assert worker.kept == []


def test_unwanted_pin_is_released() -> None:
    """A pinned body that no rule wants does not fill the ring until it ages."""
    worker = Worker(None)
    worker.consider(pinned=("random_sample",))
    worker.consider("q")
    assert (worker.wants, worker.releases) == ([], ["p"])


def test_probe_asks_without_a_rule() -> None:
    """The input probe is independent of all rules."""
    worker = Worker(None)
    worker.consider(pinned=(PROBE,))
    worker.sampling.image("p", b"jpeg")
    assert worker.kept[0][0].probe is not None


def test_misses_are_counted_by_rule_and_reason() -> None:
    """What could not be had is counted, so that selection probabilities stay true."""
    worker = Worker(Keep())
    worker.consider()
    worker.sampling.missing("p", "evicted")
    worker.here = False
    worker.consider("q", pinned=(PROBE,))
    assert worker.sampling.missed == {
        ("no_detections", "evicted"): 1,
        ("no_detections", "worker_gone"): 1,
        (PROBE, "worker_gone"): 1,
    }


def test_what_could_not_be_had_is_told_to_whoever_chose_it() -> None:
    """Missed in the ring, with a worker gone, or given up for a newer one: it counts in no limit then."""
    worker, told = Worker(None), []
    worker.sampling = Sampling(
        lambda seen: [Keep()] * len(seen),
        lambda wanted, body: None,
        worker.want,
        worker.release,
        not_kept=lambda prediction, why: told.append((prediction.prediction_id, why.reasons)),
    )
    for number in range(WANTED_MAX + 1):
        worker.consider(f"p{number}")
    worker.sampling.missing("p1", "evicted")
    worker.sampling.image("p2", b"jpeg")
    worker.here = False
    worker.consider("q")
    assert told == [(name, ("no_detections",)) for name in ("p0", "p1", "q")]


def test_awaited_images_are_bounded() -> None:
    """The oldest is given up for the newest, and counted."""
    worker = Worker(Keep())
    for number in range(WANTED_MAX + 3):
        worker.consider(f"p{number}")
    worker.sampling.image("p0", b"late")
    assert worker.kept == []
    assert worker.sampling.missed["no_detections", "wanted_full"] == 3


def test_probe_is_bounded_in_a_second() -> None:
    """Whatever the traffic, the probe decodes at most five images a second; the rest is counted."""
    worker = Worker(None)
    for number in range(8):
        worker.consider(f"p{number}", pinned=(PROBE,))
    assert len(worker.wants) == PROBES_PER_S_MAX
    assert worker.sampling.missed[PROBE, "rate"] == 3


KEPT = Keep(("disagreement",), 1.0)


def disagreed(worker: Worker, prediction_id: str = "p", **known: float) -> None:
    """A shadow test wants the image of this request."""
    (prediction,) = predictions_of(exchange(prediction_id=prediction_id), [IMAGE], 0.25)
    worker.sampling.want_for((0, 1), prediction_id, (), [(prediction, replace(KEPT, **known))])


def reasons(worker: Worker) -> list[tuple[tuple[str, ...], float]]:
    return [(why.reasons, why.probability) for wanted, _ in worker.kept for _, why in wanted.keep]


def copied(worker: Worker, held: bool) -> None:
    """The serving exchange of a request that was copied: its body is pinned though no rule drew it."""
    seen = exchange(prediction_id="p", experiment="s")
    read = predictions_of(seen, [IMAGE], 0.25)
    worker.sampling.consider([((0, 1), seen, read)], lambda _: held)


@pytest.mark.parametrize("rule_first", [True, False])
def test_image_wanted_twice_is_asked_for_and_kept_once(rule_first: bool) -> None:
    """Whichever asks first, a rule or a shadow test, the image is kept for both reasons."""
    worker = Worker(Keep())
    for turn in (rule_first, not rule_first):
        if turn:
            worker.consider()
        else:
            disagreed(worker)
    worker.sampling.image("p", b"jpeg")
    ((why, probability),) = reasons(worker)
    assert (worker.wants, set(why), probability) == (["p"], {"no_detections", "disagreement"}, 1.0)


@pytest.mark.parametrize("rule_first", [True, False])
def test_image_wanted_twice_has_what_either_knows_of_it(rule_first: bool) -> None:
    """That the random sample drew it at its rate, how far the versions are apart, and the higher value."""
    worker = Worker(Keep(("random_sample",), 0.05, drawn=True, draw_rate=0.05))
    for turn in (rule_first, not rule_first):
        if turn:
            worker.consider()
        else:
            disagreed(worker, value=0.7, disagreement=0.7)
    worker.sampling.image("p", b"jpeg")
    ((_, why),) = worker.kept[0][0].keep
    assert (why.drawn, why.draw_rate, why.value, why.disagreement) == (True, 0.05, 0.7, 0.7)


def test_image_that_is_not_admitted_is_not_asked_for() -> None:
    """The rules may refuse what a shadow test wants; what they admit is kept with what they say of it."""
    worker = Worker(None)
    asked: list[str] = []

    def admit(prediction: Prediction, why: Decision) -> Decision | None:
        asked.append(prediction.prediction_id)
        return replace(KEPT, value=0.9) if prediction.prediction_id == "q" else None

    worker.sampling = Sampling(
        lambda seen: [None] * len(seen),
        lambda wanted, body: worker.kept.append((wanted, body)),
        worker.want,
        worker.release,
        admit,
    )
    disagreed(worker, "p")
    disagreed(worker, "q")
    worker.sampling.image("q", b"jpeg")
    ((_, why),) = worker.kept[0][0].keep
    assert (asked, worker.wants, why.value) == (["p", "q"], ["q"], 0.9)


def test_image_wanted_again_after_it_came_is_asked_for_again() -> None:
    """The other half of a pair may come late: the body is still pinned."""
    worker = Worker(Keep())
    worker.consider()
    worker.sampling.image("p", b"jpeg")
    disagreed(worker)
    worker.sampling.image("p", b"jpeg")
    assert (worker.wants, reasons(worker)) == (["p", "p"], [(("no_detections",), 0.5), (("disagreement",), 1.0)])


def test_disagreement_that_can_not_be_had_is_counted() -> None:
    """By its reason, as for every rule."""
    worker = Worker(None)
    disagreed(worker)
    worker.sampling.missing("p", "aged")
    worker.here = False
    disagreed(worker)
    assert worker.sampling.missed == {("disagreement", "aged"): 1, ("disagreement", "worker_gone"): 1}


def test_held_body_stays_until_it_is_let_go() -> None:
    """A copied request's body waits for the comparison; one of a test that is gone does not."""
    worker = Worker(None)
    copied(worker, held=True)
    assert worker.releases == []
    worker.sampling.let_go((0, 1), "p")
    copied(worker, held=False)
    assert (worker.wants, worker.releases) == ([], ["p", "p"])


def test_body_that_is_wanted_already_is_not_released_by_its_own_exchange() -> None:
    """Where both halves come in one batch, the comparison asks before the rules decide."""
    worker = Worker(None)
    disagreed(worker)
    copied(worker, held=False)
    assert (worker.wants, worker.releases) == (["p"], [])


def test_copy_is_never_asked_for_its_body() -> None:
    """It has its request's, which has its own exchange: rules look at that one."""
    worker = Worker(Keep())
    seen = exchange(prediction_id="p-shadow", role="shadow", experiment="s")
    worker.sampling.consider([((0, 1), seen, predictions_of(seen, [IMAGE], 0.25))])
    assert (worker.wants, worker.releases) == ([], [])


def test_what_is_awaited_has_arrays_of_its_own() -> None:
    """Those of a prediction may be views of what was read with a whole batch, which an awaited image is not to keep:
    neither one that a rule wants, nor one for the probe, nor one for a shadow test."""
    worker = Worker(Keep())
    boxes, rest = np.zeros((1_000, 4), np.float32), np.zeros(1_000)
    of_batch = Detections(boxes[:2], rest[:2].astype(np.float32), rest.astype(np.int32)[:2], ("cat",))
    seen = exchange(prediction_id="p", pinned=(PROBE,))
    (view,) = predictions_of(seen, [DecodedImage(of_batch, 8, 8)], 0.25)
    worker.sampling.consider([((0, 1), seen, [view])])
    worker.sampling.want_for((0, 1), "q", (), [(replace(view, prediction_id="q"), KEPT)])
    for name in ("p", "q"):
        worker.sampling.image(name, b"jpeg")
    (p, _), (q, _) = worker.kept
    assert p.probe is not None
    for kept in (p.keep[0][0], p.probe, q.keep[0][0]):
        assert kept.detections is not None
        columns = kept.detections.boxes, kept.detections.scores, kept.detections.classes
        assert [column.base for column in columns] == [None] * 3
        assert [len(column) for column in columns] == [2] * 3


def test_rules_decide_over_the_readable_predictions_of_a_batch_at_once() -> None:
    """Of each request its own images are kept; copies, and answers that could not be read, are not asked about."""
    worker, asked = Worker(None), []

    def decide(predictions):
        asked.append([prediction.prediction_id for prediction in predictions])
        return [Keep() if prediction.prediction_id in ("p.1", "q") else None for prediction in predictions]

    worker.sampling = Sampling(decide, lambda wanted, _: worker.kept.append(wanted), worker.want, worker.release)
    reads = [
        ((0, 1), seen, predictions_of(seen, [IMAGE] * images if is_answer(seen) else None, 0.25))
        for seen, images in (
            (exchange(prediction_id="p"), 2),
            (exchange(prediction_id="e", status=500), 1),
            (exchange(prediction_id="q-shadow", role="shadow", experiment="s"), 1),
            (exchange(prediction_id="r", pinned=("random_sample",)), 1),
            (exchange(prediction_id="q"), 1),
        )
    ]
    worker.sampling.consider(reads)
    for name in ("p", "q"):
        worker.sampling.image(name, b"jpeg")
    assert asked == [["p.0", "p.1", "r", "q"]]
    assert (worker.wants, worker.releases) == (["p", "q"], ["r"])
    assert [[image.prediction_id for image, _ in wanted.keep] for wanted in worker.kept] == [["p.1"], ["q"]]
