"""The user's monitoring guide, run as it is written, against a sidecar in front of two versions of a real detector."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import math
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from sidecar import Client
from sidecar.app.load import load_config
from tests.kit.following import wait_until_followed
from tests.kit.ports import free_ports
from tests.kit.sidecar import RunningSidecar, ask, running_sidecar, wait_for

pytest.importorskip("onnxruntime")
from tests.kit.fastestdet import FastestDet
from tests.kit.two_months import Seen, confidence_of, fill, jensen_shannon_distance, shares_of

SETS = ("A_indoor_mAP", "B_voc_rodm")
INFER = "/v2/models/vehicles/infer"
SERVER = Path(__file__).resolve().parents[1] / "kit" / "photo_server.py"
BEFORE_REVIEW, IN_THE_TEST = 40, 300
"""Requests after the data engine is configured, and while the A/B test runs."""
WRITTEN = "sidecar_store_predictions_written_total"
NUMBER = r"(nan|[0-9.]+)"
NUMBERS = {
    "class": rf"^Class distribution drift: {NUMBER}$",
    "confidence": rf"^Confidence drift: {NUMBER}$",
    "count": rf"^Detection count drift: {NUMBER}$",
    "model_a": rf"^Model A: {NUMBER} confidence$",
    "model_b": rf"^Model B: {NUMBER} confidence$",
    "p_value": rf"^Statistical significance: {NUMBER}$",
}
Arguments = Callable[[Path], list[str]]


@pytest.fixture(scope="session")
def guide(shared: Path) -> str:
    """The guide's source."""
    path = shared / "guide.py"
    if not path.is_file():
        pytest.skip("the guide is not in ../shared")
    return path.read_text()


@pytest.fixture(scope="session")
def photos(shared: Path) -> list[list[bytes]]:
    """Two sets of photos."""
    found = [
        [path.read_bytes() for path in sorted((shared / "data/photos" / name / "images").glob("*.jpg"))]
        for name in SETS
    ]
    if not all(found):
        pytest.skip("the photos are not in ../shared")
    return found


@pytest.fixture(scope="session")
def detector_files(shared: Path) -> list[Path]:
    """The weights of both versions, and the class names."""
    folder = shared / "data/models/fastestdet"
    files = [folder / name for name in ("FastestDet.onnx", "FastestDet-int8.onnx", "coco.names")]
    if not all(file.is_file() for file in files):
        pytest.skip("the weights of FastestDet are not in ../shared")
    return files


@pytest.fixture(scope="module")
def arguments(detector_files: list[Path]) -> Iterator[Arguments]:
    """Makes the arguments of a sidecar in front of two versions: A, which serves, and its quantised twin B."""
    *weights, names = detector_files
    ports = free_ports(2)
    servers = [
        subprocess.Popen([sys.executable, str(SERVER), str(port), str(place + 1), str(weights[place]), str(names)])
        for place, port in enumerate(ports)
    ]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    for url in urls:
        wait_for(lambda url=url: _answers(url), what="a model server")

    def of(folder: Path) -> list[str]:
        file = folder / "sidecar.json"  # JSON is YAML
        settings = {
            "upstreams": [
                {"name": name, "url": url, "version": str(place + 1)}
                for place, (name, url) in enumerate(zip("AB", urls, strict=True))
            ],
            "retention": {"age_days": 10_000},
        }
        file.write_text(json.dumps(settings))
        return ["--config", str(file)]

    yield of
    for server in servers:
        server.kill()
        server.wait(30)


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError):
        return ask(url).status == 200
    return False


class Scores:
    """Sends photos and keeps the scores of what was found in each, by the version that answered."""

    def __init__(self, sidecar: RunningSidecar, photos: list[list[bytes]]) -> None:
        self.by_version: dict[str, list[list[float]]] = defaultdict(list)
        self._sidecar = sidecar
        self._photos = [photo for of_set in photos for photo in of_set]

    def send(self, count: int) -> None:
        """So many photos, four at a time, until all of them are in the store, from which results are read."""
        before = self._sidecar.metric(WRITTEN)
        with ThreadPoolExecutor(4) as pool:
            for version, scores in pool.map(self._ask, range(count)):
                self.by_version[version].append(scores)
        wait_for(lambda: self._sidecar.metric(WRITTEN) >= before + count, what="predictions recorded")

    def _ask(self, number: int) -> tuple[str, list[float]]:
        photo = self._photos[number % len(self._photos)]
        answer = ask(self._sidecar.url(INFER), photo, Content_Type="image/jpeg")
        assert answer.status == 200
        document = json.loads(answer.body)
        return document["model_version"], document["outputs"][1]["data"]


class Id:
    """All that the guide needs of a model that it did not ask the sidecar for."""

    def __init__(self, id: str) -> None:
        self.id = id


class Busy(Client):
    """A client in a world that goes on: traffic comes after the guide set its rules, and while its A/B test runs."""

    def __init__(self, url: str, scores: Scores, followed: Callable[[], object]) -> None:
        super().__init__(url)
        self._scores = scores
        self._followed = followed

    def configure_data_engine(self, *args: Any, **kwargs: Any) -> Any:
        engine = super().configure_data_engine(*args, **kwargs)
        self._followed()
        self._scores.send(BEFORE_REVIEW)
        wait_for(lambda: self.get_flagged_items(engine.dataset_id), what="images kept for review")
        return engine

    def create_ab_test(self, *args: Any, **kwargs: Any) -> Any:
        test = super().create_ab_test(*args, **kwargs)
        self._followed()
        self._scores.by_version.clear()
        self._scores.send(IN_THE_TEST)
        return test


def _run(guide: str, client: Client, **names: Any) -> tuple[str, dict[str, Any]]:
    """What the guide prints, and all that it made."""
    dataset = client.create_dataset(f"Guide {names['model'].id}")
    version = client.create_dataset_version(dataset.id, name="v1")
    made = {"client": client, "dataset": dataset, "version": version, **names}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(guide, "guide.py", "exec"), made)
    return printed.getvalue(), made


def _numbers(printed: str) -> Mapping[str, float]:
    """The figures that the guide prints, each on its line."""
    found = {name: re.search(pattern, printed, re.MULTILINE) for name, pattern in NUMBERS.items()}
    assert all(found.values()), printed
    return {name: float(match[1]) for name, match in found.items() if match}


def _check_drift(numbers: Mapping[str, float], made: Mapping[str, Any], months: tuple[Seen, Seen]) -> None:
    report, (january, february) = made["drift_report"], months
    assert all(0 < numbers[name] <= 1 for name in ("class", "confidence", "count"))
    shares = shares_of(january.labels), shares_of(february.labels)
    assert numbers["class"] == pytest.approx(jensen_shannon_distance(*shares), abs=0.03)
    for side, seen in (("reference", january), ("current", february)):
        assert report[f"n_{side}"].images == len(seen.scores)
        assert report[f"n_{side}"].detections == len(seen.labels)
        assert report.means.avg_confidence[side] == pytest.approx(confidence_of(seen.scores), abs=1e-4)
        assert report.means.detections_per_image[side] == pytest.approx(fmean(map(len, seen.scores)))
    assert report.significant_drift
    for moved in report.affected_classes:
        before, after = (of.get(moved["class"], 0.0) for of in shares)
        assert (moved.share_before, moved.share_after) == (pytest.approx(before), pytest.approx(after))


def _check_made(made: Mapping[str, Any], model_id: str) -> None:
    """What the guide left behind is there, under the id it was made by."""
    client, model = made["client"], model_id.partition("@")[0]
    alerts = {alert.id: alert.name for alert in client.alerts(model_id=model_id)}
    assert {made["alert"].id: "Low Confidence Alert", made["latency_alert"].id: "High Latency Alert"}.items() <= (
        alerts.items()
    )
    engine = client.data_engine(model_id)
    assert (engine.model, engine.dataset_id) == (model, made["dataset"].id)
    assert engine.config.low_confidence.threshold == 0.6
    assert made["new_version"].parent_id in (None, made["version"].id)
    job = client.training_job(made["job"].id)
    assert (job.base_model_id, job.version_id) == (f"{model}@1", made["new_version"].id)
    test = client.ab_test(made["ab_test"].id)
    assert (test.status, test.model_a.id, test.model_b.id) == ("running", f"{model}@1", f"{model}@2")


def test_guide_runs_as_written_on_two_months_of_real_detections(
    tmp_path: Path, guide: str, photos: list[list[bytes]], detector_files: list[Path], arguments: Arguments
) -> None:
    """By a model's id and by a version's, what it prints is what a count of the same detections gives."""
    detector = FastestDet(detector_files[0], detector_files[2])
    found = [[detector.detect(photo) for photo in of_set] for of_set in photos]
    given = arguments(tmp_path)
    config = load_config(Path(given[1]), {"data_dir": tmp_path / "data"})
    months = asyncio.run(fill(tmp_path / "data", config, found, detector.names))
    with running_sidecar(tmp_path, given) as sidecar:
        scores = Scores(sidecar, photos)
        with Busy(f"http://127.0.0.1:{sidecar.admin_port}", scores, lambda: wait_until_followed(sidecar, 1)) as client:
            model = client.get_model("vehicles")
            assert (model.origin, model.serving, model.versions) == ("traffic", "1", ["vehicles@1", "vehicles@2"])
            versions = {f"model_v{number}": client.get_model(f"vehicles@{number}") for number in (1, 2)}
            for one in (model, versions["model_v1"]):
                printed, made = _run(guide, client, model=one, **versions)
                numbers = _numbers(printed)
                _check_drift(numbers, made, months)
                assert "WARNING: Significant drift detected!" in printed
                assert {item["class"] for item in made["drift_report"].affected_classes} <= set(detector.names)
                assert made["flagged_items"]
                assert {item.status for item in made["flagged_items"]} == {"needs_review"}
                for arm, version in (("model_a", "1"), ("model_b", "2")):
                    assert numbers[arm] == pytest.approx(confidence_of(scores.by_version[version]), abs=6e-4)
                assert 0 <= numbers["p_value"] <= 1
                _check_made(made, one.id)
                client.stop_ab_test(made["ab_test"].id)


@pytest.mark.parametrize("model_id", ["vehicles", "vehicles@1"])
@pytest.mark.parametrize("registered", [True, False])
def test_guide_runs_as_written_on_an_empty_store(
    tmp_path: Path, guide: str, arguments: Arguments, model_id: str, registered: bool
) -> None:
    """Nothing was ever seen: no distance and no average is a number, nothing is significant, and nothing fails."""
    with (
        running_sidecar(tmp_path, arguments(tmp_path)) as sidecar,
        Client(f"http://127.0.0.1:{sidecar.admin_port}") as client,
    ):
        ids = {"model": model_id, "model_v1": "vehicles@1", "model_v2": "vehicles@2"}
        names: dict[str, Any] = {name: Id(of) for name, of in ids.items()}
        if registered:
            client.register_model("vehicles", description="What the guide calls a model")
            names = {name: client.get_model(of) for name, of in ids.items()}
        printed, made = _run(guide, client, **names)
        numbers = _numbers(printed)
        assert numbers["p_value"] == 1.0
        assert all(math.isnan(value) for name, value in numbers.items() if name != "p_value")
        assert "WARNING" not in printed
        assert made["flagged_items"] == []
        assert "there are none at all" in made["drift_report"].sentence
        _check_made(made, model_id)
