"""How surely the demo's loop wins: night, collecting, labelling, training and the A/B test, over seeds, without HTTP.

    python tests/benchmarks/loop_seeds.py [--seeds 20] [--flagged 120] [--audited 400] [--processes 2]
    python tests/benchmarks/loop_seeds.py --real [--seeds 20]

Each seed goes the way of ``sidecar demo --loop`` with the rooms that really do it: scenes by the traffic's stage as
JPEG, the data engine's rules, the simulated reviewer, the trainer on a dataset in COCO's layout, verdicts by the
feedback room, results by the experiments room, looked at again and again. Prints what each comes to, and how many win.
With ``--real`` each seed is a run of ``sidecar demo --loop`` as it is typed, one after the other.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sidecar.data_engine import decide, sampling_config
from sidecar.demo.detector import Detector, Found
from sidecar.demo.digits import Pool, load_pools
from sidecar.demo.learning import train_versions
from sidecar.demo.loop import AUDIT, COLLECT, LABELED
from sidecar.demo.loop_trial import ALPHA, AUDITED_MAX, PLAN_UNITS
from sidecar.demo.reviewer import Truth, judge
from sidecar.demo.stage import Stage
from sidecar.demo.trainer import train
from sidecar.experiments import Arm, Epoch, Tuning, feedback_moments, results
from sidecar.feedback import verdict_of_labels
from sidecar.hashing import unit_interval
from sidecar.summaries import Summary
from sidecar.types import Detections, Label, Prediction, RequestCounts, latency_index

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.kit.ports import free_ports

RULES = sampling_config(COLLECT, "config")
AUDIT_RATE = AUDIT["random_sample"]["rate"]
LOOKS_EVERY = 50
SCENES_MAX = 20_000
OUTCOMES = ("training", "outcome", "failed")


@dataclass(frozen=True, slots=True)
class Shot:
    """A scene as the sidecar and the reviewer meet it."""

    request_id: str
    jpeg: bytes
    truth: Truth

    @property
    def pixels(self) -> NDArray[np.uint8]:
        with Image.open(io.BytesIO(self.jpeg)) as image:
            return np.asarray(image.convert("RGB"))

    @property
    def labels(self) -> list[dict[str, Any]]:
        item = {"client_request_id": self.request_id, "width": 480, "height": 360}
        return judge({self.request_id: self.truth}, item) or []


def shots(pool: str, light: Any, seed: int, pools: dict[str, Pool]) -> Iterator[Shot]:
    stage, rng = Stage(light, pool, "short"), np.random.default_rng(seed)
    for number in range(SCENES_MAX):
        scene = stage.scene(0.0, rng, pools)
        truth = Truth(tuple(map(tuple, scene.boxes.tolist())), tuple(map(str, scene.labels.tolist())))
        yield Shot(f"{seed}-{pool}-{number}", scene.jpeg(), truth)


def prediction(shot: Shot, version: str, found: Found) -> Prediction:
    names = tuple(dict.fromkeys(str(digit) for digit in found.classes.tolist()))
    classes = np.array([names.index(str(digit)) for digit in found.classes.tolist()], np.int32)
    detections = Detections(found.boxes, found.scores, classes, names)
    return Prediction(
        *(shot.request_id, shot.request_id, 0, 0.0, "digits", version, version, "serving", "", 0, "", "", "v2"),
        *(200, "", "", 10.0, 9.0, 8.0, len(shot.jpeg), 500, 480, 360, 0.25, shot.request_id, "", detections),
    )


@dataclass(slots=True)
class Side:
    """One arm: what its summary and its reviewed images come to."""

    detector: Detector
    name: str
    predictions: list[Prediction] = field(default_factory=list)
    correct: list[bool] = field(default_factory=list)

    def serve(self, shot: Shot) -> None:
        one = prediction(shot, self.detector.version, self.detector.detect(shot.pixels))
        self.predictions.append(one)
        if unit_interval(shot.request_id, "random_sample") < AUDIT_RATE:
            labels = [Label(label["label"], tuple(label["box"])) for label in shot.labels]
            self.correct.append(verdict_of_labels(one.detections, 0.25, labels).verdict == "correct")

    def arm(self) -> Arm:
        summary, moments = Summary(), feedback_moments()
        summary.add_predictions(self.predictions)
        n = len(self.predictions)
        histogram = {latency_index(9.0): n}
        summary.add_counts(RequestCounts(0, "digits", "1", "serving", "", 0, "", n, {200: n}, {}, histogram, n * 9_000))
        weight = round(1e6 / AUDIT_RATE)
        moments.add(np.array([[weight, weight * good] for good in self.correct], np.int64).reshape(-1, 2))
        return Arm.of_summary(self.name, summary, feedback=moments, sampled=len(self.correct))


def collected(v1: Detector, seed: int, wanted: int, pools: dict[str, Pool]) -> tuple[list[Shot], int]:
    """(images that the rules flag by night, scenes that took)."""
    flagged: list[Shot] = []
    for seen, shot in enumerate(shots("collection", "night", 1_000 + seed, pools), 1):
        if decide(prediction(shot, "1", v1.detect(shot.pixels)), RULES) is not None:
            flagged.append(shot)
        if len(flagged) == wanted:
            return flagged, seen
    raise ValueError(f"the rules flag too few of {SCENES_MAX} scenes")


def write_dataset(folder: Path, flagged: list[Shot]) -> None:
    """In COCO's layout, split 0.8, 0.1, 0.1 by hash."""
    names = [str(digit) for digit in range(10)]
    categories = [{"id": place, "name": name} for place, name in enumerate(names)]
    documents: dict[str, dict[str, list[Any]]] = {
        split: {"images": [], "annotations": [], "categories": categories} for split in ("train", "val", "test")
    }
    for image_id, shot in enumerate(flagged):
        draw = unit_interval(shot.request_id, "split")
        split = "train" if draw < 0.8 else "val" if draw < 0.9 else "test"
        path = folder / "images" / split / f"{shot.request_id}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(shot.jpeg)
        documents[split]["images"].append({"id": image_id, "file_name": path.name, "width": 480, "height": 360})
        for label in shot.labels:
            x1, y1, x2, y2 = label["box"]
            one = {"image_id": image_id, "bbox": [x1, y1, x2 - x1, y2 - y1], "category_id": names.index(label["label"])}
            documents[split]["annotations"].append(one)
    (folder / "annotations").mkdir()
    for split, document in documents.items():
        (folder / "annotations" / f"instances_{split}.json").write_text(json.dumps(document))


@dataclass(frozen=True, slots=True)
class Outcome:
    """``won_at``: audited images in both arms at the first look that finds the new version better, 0 where none is."""

    seed: int
    scenes: int
    metrics: dict[str, float]
    trained_s: float
    correct: tuple[float, float]
    won_at: int
    verdict: str
    p_values: dict[int, float]
    counts: tuple[float, float]
    counts_p: float


def run_seed(seed: int, flagged_n: int, audited: int, plan_units: int) -> Outcome:
    pools = load_pools()
    v1 = train_versions(pools, ["1"])["1"]
    flagged, scenes = collected(v1, seed, flagged_n, pools)
    with tempfile.TemporaryDirectory() as folder:
        write_dataset(Path(folder), flagged)
        began = time.perf_counter()
        v2, metrics = train(Path(folder), pools["training"])
        trained_s = time.perf_counter() - began
    sides = Side(v1, "A"), Side(Detector("2", v2.classifier), "B")
    lowest: dict[str, float] = {}
    p_values: dict[int, float] = {}
    won_at, look = 0, LOOKS_EVERY
    for shot in shots("traffic", "night", 2_000 + seed, pools):
        sides[unit_interval("salt", shot.request_id) < 0.5].serve(shot)
        least = min(len(side.correct) for side in sides)
        if least < look:
            continue
        epoch = Epoch(sides[0].arm(), (sides[1].arm(),), (0.5, 0.5))
        tuning = Tuning(plan_units=plan_units)
        found = results(("A", "B"), [epoch], ["feedback_score"], tuning=tuning, lowest=lowest)
        lowest, p_values[look] = found.lowest, found.p_value
        if not won_at and found.verdict == "b_better" and found.p_value < ALPHA:
            won_at = sum(len(side.correct) for side in sides)
        look += LOOKS_EVERY
        if least >= audited:
            break
    figures = list(found.variants.values())
    return Outcome(
        *(seed, scenes, metrics, trained_s, (figures[0].feedback_score, figures[1].feedback_score), won_at),
        *(found.verdict, p_values, (figures[0].detections_per_image, figures[1].detections_per_image)),
        min(lowest["B/detections_per_image"], lowest["B/no_detection_rate"]),
    )


def run_demos(seeds: int) -> None:
    """Each with ports that are free, its own lines about the outcome, and the time it took as a whole."""
    won, slowest = 0, 0.0
    for seed in range(1, seeds + 1):
        port, admin_port, health_port = map(str, free_ports(3))
        ports = ("--port", port, "--admin-port", admin_port, "--health-port", health_port)
        command = (sys.executable, "-m", "sidecar", "demo", "--loop", "--seed", str(seed), *ports)
        began = time.monotonic()
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"}, check=False
        )
        took_s = time.monotonic() - began
        won, slowest = won + ("it is promoted" in done.stdout), max(slowest, took_s)
        told = [line for line in done.stdout.splitlines() if any(f" s  {step} " in line for step in OUTCOMES)]
        print(
            f"seed {seed:2}: exit code {done.returncode}, {took_s:.0f} s; {' '.join(' '.join(told).split())}",
            flush=True,
        )
    print(f"{won} of {seeds} win; the slowest took {slowest:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description="How surely the demo's loop wins.")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--flagged", type=int, default=LABELED, help="images that are labelled [default: %(default)s]")
    parser.add_argument(
        "--audited", type=int, default=AUDITED_MAX, help="images reviewed in each arm [default: %(default)s]"
    )
    parser.add_argument(
        "--plan-units", type=int, default=PLAN_UNITS, help="the test is tuned to [default: %(default)s]"
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--real", action="store_true", help="run the demo itself, which takes a minute and a half each")
    options = parser.parse_args()
    if options.real:
        run_demos(options.seeds)
        return
    one = partial(run_seed, flagged_n=options.flagged, audited=options.audited, plan_units=options.plan_units)
    outcomes = []
    with multiprocessing.Pool(options.processes) as pool:
        for found in pool.imap(one, range(1, options.seeds + 1)):
            outcomes.append(found)
            shown = " ".join(f"{n}:{p:.1e}" for n, p in found.p_values.items() if p < 1)
            print(
                f"seed {found.seed:2}  {found.scenes:4} scenes for {options.flagged} flagged, trained in "
                f"{found.trained_s:.1f} s, held out {found.metrics.get('base_accuracy', 0):.2f} -> "
                f"{found.metrics.get('accuracy', 0):.2f}; correct {found.correct[0]:.2f} -> {found.correct[1]:.2f}, "
                f"detections {found.counts[0]:.2f} -> {found.counts[1]:.2f} (p {found.counts_p:.2g}); {found.verdict}, "
                f"won at {found.won_at or 'no time'}; p by audited an arm {shown}",
                flush=True,
            )
    won = [found.won_at for found in outcomes if found.won_at]
    print(f"{len(won)} of {len(outcomes)} win; audited in both arms until then: {sorted(won)}")


if __name__ == "__main__":
    main()
