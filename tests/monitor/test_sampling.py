"""Which images the monitor asks for."""

from dataclasses import dataclass

import numpy as np

from sidecar.dialects import DecodedImage, Undecodable
from sidecar.monitor.predictions import predictions_of
from sidecar.monitor.sampling import PROBE, PROBES_PER_S_MAX, WANTED_MAX, Sampling, Wanted
from sidecar.types import Detections, Prediction
from tests.kit.build import exchange

IMAGE = DecodedImage(Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32), ()), 8, 8)


@dataclass
class Keep:
    reasons: tuple[str, ...] = ("no_detections",)
    probability: float = 0.5


class Worker:
    """Notes what it was asked; ``here`` says whether it is connected."""

    def __init__(self, decision: Keep | None) -> None:
        self.here = True
        self.wants: list[str] = []
        self.releases: list[str] = []
        self.kept: list[tuple[Wanted, bytes]] = []
        self.sampling = Sampling(
            lambda _: decision, lambda wanted, body: self.kept.append((wanted, body)), self.want, self.release
        )

    def want(self, worker: int, epoch: int, prediction_id: str) -> bool:
        self.wants.append(prediction_id)
        return self.here

    def release(self, worker: int, epoch: int, prediction_id: str) -> None:
        self.releases.append(prediction_id)

    def consider(self, prediction_id: str = "p", pinned: tuple[str, ...] = ()) -> list[Prediction]:
        seen = exchange(prediction_id=prediction_id, pinned=pinned)
        predictions = predictions_of(seen, lambda _: [IMAGE], Undecodable, 0.25)
        self.sampling.consider((0, 1), seen, predictions)
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
