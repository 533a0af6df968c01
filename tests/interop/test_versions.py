"""FastestDet in fp32 and in int8 on real servers, compared by a real sidecar, and worked out anew beside it."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sidecar import Client
from tests.interop.processes import mlserver
from tests.kit.fastestdet import FastestDet
from tests.kit.following import wait_until_followed
from tests.kit.offline_arms import arm_of, difference_of
from tests.kit.offline_pairs import boxes_of, report
from tests.kit.sidecar import Answer, RunningSidecar, ask, running_sidecar, wait_for

pytestmark = pytest.mark.timeout(900)  # two servers' start among it, and where it is the first the environment's
INFER = "/v2/models/fastestdet/infer"
THRESHOLD = 0.25
SAMPLES_PER_HOUR = 10
NO_PICTURE = b"these bytes are no picture"
RECORDED_S = 90.0
MICRO = 1e-5
"""What sums in millionths leave of a mean."""


@pytest.fixture(scope="module")
def versions(
    python_of: Callable[[str], str],
    fastestdet_files: tuple[Path, Path],
    int8_weights: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[int, int]]:
    """The ports of version 1, fp32, and version 2, int8."""
    weights, names = fastestdet_files
    python = python_of("mlserver")
    with (
        mlserver(python, tmp_path_factory.mktemp("fp32"), weights, names, "1") as first,
        mlserver(python, tmp_path_factory.mktemp("int8"), int8_weights, names, "2") as second,
    ):
        yield first, second


@pytest.fixture(scope="module")
def pictures(shared: Path) -> list[bytes]:
    """Every photo, and a grey one in which there is nothing."""
    photos = [path.read_bytes() for path in sorted((shared / "data" / "photos").glob("*/images/*.jpg"))]
    if not photos:
        pytest.skip("the photos are not in ../shared")
    grey = io.BytesIO()
    Image.new("RGB", (320, 240), "grey").save(grey, "JPEG")
    return [*photos, grey.getvalue()]


@dataclass(frozen=True)
class Sent:
    """A picture, and what came of it."""

    picture: bytes
    answer: Answer

    @property
    def prediction_id(self) -> str:
        return self.answer.headers["X-Prediction-Id"]

    @property
    def scores(self) -> list[float] | None:
        """None where the answer is an error."""
        if self.answer.status != 200:
            return None
        outputs = {output["name"]: output["data"] for output in json.loads(self.answer.body)["outputs"]}
        return list(outputs["scores"])

    @property
    def version(self) -> str:
        """Which version says that it served this one; empty where an error says nothing."""
        return "" if self.scores is None else str(json.loads(self.answer.body)["model_version"])


def _request(picture: bytes, name: str) -> bytes:
    data = base64.b64encode(picture).decode()
    inputs = [{"name": "image", "shape": [1], "datatype": "BYTES", "data": [data]}]
    return json.dumps({"id": name, "inputs": inputs}).encode()


def _ask(url: str, picture: bytes, name: str) -> Answer:
    return ask(url, _request(picture, name), Content_Type="application/json")


def _send(sidecar: RunningSidecar, pictures: Sequence[bytes]) -> list[Sent]:
    """All of them, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda item: _ask(sidecar.url(INFER), item[1], f"picture-{item[0]}"), enumerate(pictures))
        return [Sent(picture, answer) for picture, answer in zip(pictures, answers, strict=True)]


def _arguments(folder: Path, versions: tuple[int, int]) -> list[str]:
    first, second = versions
    file = folder / "sidecar.yaml"
    file.write_text(
        "upstreams:\n"
        f"- {{name: A, url: 'http://127.0.0.1:{first}', version: '1'}}\n"
        f"- {{name: B, url: 'http://127.0.0.1:{second}', version: '2'}}\n"
        f"models: [{{name: fastestdet, score_threshold: {THRESHOLD}}}]\n"
        "sampling: {random_sample: {rate: 0}}\n"  # what it drew no filter finds by another reason before its review
    )
    return ["--config", str(file)]


def _client(sidecar: RunningSidecar) -> Client:
    return Client(f"http://127.0.0.1:{sidecar.admin_port}")


def test_shadow_of_every_photo_comes_to_what_is_worked_out_beside_it(
    versions: tuple[int, int],
    fastestdet_files: tuple[Path, Path],
    int8_weights: Path,
    pictures: list[bytes],
    tmp_path: Path,
) -> None:
    """Clients get fp32's bytes; the report has the offline script's counts, rates and tests; the images that both see
    least alike are kept, each byte as it was sent."""
    with running_sidecar(tmp_path, _arguments(tmp_path, versions)) as sidecar, _client(sidecar) as client:
        config = {"share": 1.0, "samples_per_hour": SAMPLES_PER_HOUR}
        test = client.create_shadow_test("Int8", model_id="fastestdet@1", shadow_model_id="fastestdet@2", config=config)
        wait_until_followed(sidecar)
        sent = _send(sidecar, pictures)
        found = wait_for(
            lambda: (now := client.get_shadow_test_results(test.id)).counts.requests == len(sent) and now,
            RECORDED_S,
            "every comparison",
        )
        for place, item in enumerate(sent):
            direct = _ask(f"http://127.0.0.1:{versions[0]}{INFER}", item.picture, f"picture-{place}")
            assert (item.answer.status, item.answer.body) == (200, direct.body)
        names = fastestdet_files[1]
        detectors = [FastestDet(weights, names) for weights in (fastestdet_files[0], int8_weights)]
        offline = report([(boxes_of(detectors[0], one), boxes_of(detectors[1], one)) for one in pictures])
        _assert_reported(found, offline)
        assert (found.waiting, found.skipped) == (0, {})
        assert (found.a, found.b) == ("fastestdet@1", "fastestdet@2")
        _assert_kept(client, sent, offline["disagreements"])


def _assert_reported(found: dict[str, Any], offline: dict[str, Any]) -> None:
    """What the sidecar reports is what was worked out offline."""
    others = ("failed_a", "failed_b", "failed_both", "unread_a", "unread_b", "unread_both", "incomparable", "unpaired")
    assert {name: found["counts"][name] for name in offline["counts"]} == offline["counts"]
    assert {name: found["counts"][name] for name in others} == dict.fromkeys(others, 0)
    assert {row["class"]: {name: row[name] for name in row if name != "class"} for row in found["classes"]} == (
        offline["classes"]
    )
    assert {(row["from"], row["to"]): {"count": row["count"], "boxes": row["boxes"]} for row in found["flips"]} == (
        offline["flips"]
    )
    assert found["boxes"] == pytest.approx(offline["boxes"], abs=1e-9)
    for name in ("image_rate", "box_rate"):
        assert found["agreement"][name] == pytest.approx(offline["agreement"][name], abs=1e-9)
    for name in ("mean_iou", "mean_disagreement"):
        assert found["agreement"][name] == pytest.approx(offline["agreement"][name], abs=MICRO)
    for name in ("confidence_shift", "count_difference"):
        test, expected = found[name], offline[name]
        assert test["n"] == expected["n"]
        assert test["difference"] == pytest.approx(expected["difference"], abs=MICRO)
        assert test["standard_error"] == pytest.approx(expected["standard_error"], abs=MICRO)
        for kind in ("always_valid", "fixed_horizon"):
            for figure in ("low", "high", "p_value"):
                assert test[kind][figure] == pytest.approx(expected[kind][figure], rel=1e-3, abs=MICRO)
    latency = found["latency"]
    assert latency["a"]["count"] == latency["b"]["count"] == latency["difference_ms"]["n"] == found["counts"]["images"]


def _assert_kept(client: Client, sent: Sequence[Sent], disagreements: Sequence[float]) -> None:
    """The image of the greatest disagreement is kept with some others, as sent, and no more than an hour may have."""
    by_id = {item.prediction_id: (item.picture, apart) for item, apart in zip(sent, disagreements, strict=True)}
    most = max(by_id, key=lambda name: by_id[name][1])

    def kept() -> dict[str, Any] | None:
        samples = {sample.prediction_id: sample for sample in client.samples(reason="disagreement")}
        return samples if most in samples else None

    samples = wait_for(kept, RECORDED_S, "the images")
    assert len(samples) <= SAMPLES_PER_HOUR
    for name, sample in samples.items():
        assert client.sample_image(sample.sample_id) == by_id[name][0]
        assert by_id[name][1] > 0


def test_ab_test_on_photos_has_the_figures_of_its_answers(
    versions: tuple[int, int], pictures: list[bytes], tmp_path: Path
) -> None:
    """Units, means and error rates of each version, and the tests of their difference, are what the answers give."""
    with running_sidecar(tmp_path, _arguments(tmp_path, versions)) as sidecar, _client(sidecar) as client:
        metrics = ["confidence", "detections_per_image", "latency", "error_rate"]
        config = {"traffic_split": 0.5, "metrics": metrics, "guardrails": []}
        test = client.create_ab_test("Int8", "fastestdet@1", "fastestdet@2", config)
        wait_until_followed(sidecar)
        sent: list[Sent] = []
        while min(sum(item.version == version for item in sent) for version in ("1", "2")) < 150:
            sent += _send(sidecar, [*pictures, *[NO_PICTURE] * 4])
        found = wait_for(lambda: _when_all(client, test.id, sent), RECORDED_S, "every request")
        recorded = {item.prediction_id: item for item in client.predictions(limit=500)}
        # an error does not say who made it: of those the record is asked
        by_version = {
            version: [one for one in sent if (one.version or recorded[one.prediction_id].version) == version]
            for version in ("1", "2")
        }
        arms = [arm_of([item.scores for item in by_version[version]], THRESHOLD) for version in ("1", "2")]
        for figures, arm, version in zip((found.model_a, found.model_b), arms, by_version, strict=True):
            served = by_version[version]
            assert figures.id == f"fastestdet@{version}"
            assert figures.n == figures.requests == len(served)
            assert figures.images == arm.images
            assert figures.avg_confidence == pytest.approx(arm.avg_confidence, abs=1e-6)
            assert figures.detections_per_image == pytest.approx(arm.detections_per_image, abs=1e-6)
            assert figures.no_detection_rate == pytest.approx(arm.no_detection_rate, abs=1e-6)
            failed = sum(item.answer.status >= 500 for item in served)
            assert failed
            assert figures.error_rate == pytest.approx(failed / len(served), abs=1e-6)
            upstream_ms = [recorded[item.prediction_id].upstream_ms for item in served if item.scores is not None]
            assert figures.avg_latency_ms == pytest.approx(sum(upstream_ms) / len(upstream_ms), abs=1e-3)
        _assert_compared(found.metrics, [(arm.confidence, arm.detections) for arm in arms])
        assert found.verdict in ("b_better", "a_better", "no_difference_yet", "mixed")
        assert found.srm.ok
        assert found.srm.observed == {name: len(by_version[version]) for name, version in (("A", "1"), ("B", "2"))}
        assert found.srm.expected == {"A": len(sent) / 2, "B": len(sent) / 2}
        assert found.p_value == found.metrics.confidence.p_value_always_valid


def _when_all(client: Client, test_id: str, sent: Sequence[Sent]) -> Any:
    """The results, once they have every request and its images."""
    found = client.get_ab_test_results(test_id)
    images = sum(item.scores is not None for item in sent)
    arms = found.model_a, found.model_b
    return found if [sum(arm[name] for arm in arms) for name in ("requests", "images")] == [len(sent), images] else None


def _assert_compared(metrics: Any, arms: Sequence[Any]) -> None:
    """The differences of both ratios, their sequences and p-values."""
    for place, name in enumerate(("confidence", "detections_per_image")):
        metric, offline = metrics[name], difference_of(arms[0][place], arms[1][place])
        assert metric.difference == pytest.approx(offline.difference, abs=1e-6)
        assert metric.confidence_sequence == pytest.approx([offline.low, offline.high], abs=1e-5)
        assert metric.p_value_fixed_horizon == pytest.approx(offline.p_value_fixed_horizon, abs=1e-5)
        # the lowest of all looks: the steward's come every ten seconds
        assert metric.p_value_always_valid <= offline.p_value_always_valid + 1e-5
        assert metric.n == {"model_a": len(arms[0][place].counted), "model_b": len(arms[1][place].counted)}
