"""What feedback and reviews come to: the report of a model, typed and as a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any

from sidecar.feedback.audited import AUDITED_MAX, Audited, judged
from sidecar.feedback.precision import CLASSES_MAX, BandPrecision, ClassPrecision, by_class, by_confidence
from sidecar.feedback.proportion import Proportion
from sidecar.feedback.score import Score, score
from sidecar.feedback.sentence import REVIEWED_MIN, limitations_of, sentence_of
from sidecar.feedback.threshold import TARGET_DEFAULT, Threshold, threshold_for
from sidecar.feedback.verdict import FEEDBACK_TYPES

VERSIONS_MAX = 100
"""Versions that are told of, those with the most reviewed images."""


@dataclass(frozen=True, slots=True)
class Users:
    """What people sent by themselves: verdicts by type, and the share that says correct (NaN without any).

    >>> Users.of({"correct": 3, "wrong_box": 1}).value
    0.75
    """

    value: float
    n: int
    by_type: dict[str, int]

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Users:
        """From counts by type, of which others than feedback types are left out.

        Where more of a type was taken back than was ever given, what was given is lost, and there is no value.
        """
        by_type = {name: counts[name] for name in FEEDBACK_TYPES if counts.get(name)}
        n = sum(by_type.values())
        known = n > 0 and min(by_type.values()) >= 0
        return cls(by_type.get("correct", 0) / n if known else nan, n, by_type)

    def to_dict(self) -> dict[str, Any]:
        return {"value": _number(self.value), "n": self.n, "by_type": dict(self.by_type)}


@dataclass(frozen=True, slots=True)
class VersionScore:
    """One version's score of the audit, and what people sent about it."""

    version: str
    score: Score
    users: Users


@dataclass(frozen=True, slots=True)
class FeedbackReport:
    """All that is known of how right a model is. ``score``, precisions and ``threshold`` rest on the audit alone."""

    model_id: str
    since: float | None
    until: float | None
    score: Score
    users: Users
    by_class: tuple[ClassPrecision, ...]
    by_confidence: tuple[BandPrecision, ...]
    threshold: Threshold
    versions: tuple[VersionScore, ...]
    sentence: str
    limitations: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; null where there is nothing to tell. Times are epoch seconds, shares 0..1, bounds of 95 %.

        - ``score`` {value, lower, upper, n, sampled, completeness}: of ``sampled`` images that were drawn ``n`` are
          reviewed; ``users`` {value, n, by_type}.
        - ``by_class`` [{label, precision, lower, upper, n, images}], ``by_confidence`` [{from, to, precision, lower,
          upper, n}]: ``n`` detections in ``images``.
        - ``threshold`` {target_precision, threshold, precision, lower, kept_share, sentence}.
        - ``versions`` [{version, value, lower, upper, n, sampled, users {value, n}}].
        - ``sentence``, ``limitations``.
        """
        return {
            "model_id": self.model_id,
            "since": self.since,
            "until": self.until,
            "score": _score_document(self.score) | {"completeness": _number(self.score.completeness)},
            "users": self.users.to_dict(),
            "by_class": [
                {"label": one.label, **_precision_document(one.precision), "images": one.precision.clusters}
                for one in self.by_class
            ],
            "by_confidence": [
                {"from": band.low, "to": band.high, **_precision_document(band.precision)}
                for band in self.by_confidence
            ],
            "threshold": {
                "target_precision": self.threshold.target,
                "threshold": self.threshold.threshold,
                "precision": _number(self.threshold.precision.value),
                "lower": _number(self.threshold.precision.lower),
                "kept_share": _number(self.threshold.kept_share),
                "sentence": self.threshold.sentence,
            },
            "versions": [
                {
                    "version": one.version,
                    **_score_document(one.score),
                    "users": {"value": _number(one.users.value), "n": one.users.n},
                }
                for one in self.versions
            ],
            "sentence": self.sentence,
            "limitations": list(self.limitations),
        }


def report_of(
    model_id: str,
    audited: Sequence[Audited],
    sampled: Mapping[str, int],
    users: Mapping[str, Mapping[str, int]],
    *,
    since: float | None = None,
    until: float | None = None,
    target_precision: float = TARGET_DEFAULT,
    left_out: int = 0,
) -> FeedbackReport:
    """The report of a model (``name`` or ``name@version``) from its reviewed images of the random sample.

    ``sampled`` counts by version the images that were drawn, reviewed or not; ``users`` by version and type what people
    sent. Where ``audited`` is not all that is reviewed, ``left_out`` are missing: of ``sampled`` they stay a part.
    Images without a draw rate enter nothing and are told of. Raises ValueError for a ``target_precision`` that is not
    over 0 and at most 1, and for more than AUDITED_MAX images.

    >>> report_of("det", [], {}, {}).sentence
    'Nothing is known yet of how right det is: no image of the random sample is reviewed, and nobody sent feedback.'
    """
    if len(audited) > AUDITED_MAX:
        raise ValueError(f"audited: {len(audited):,} images, at most {AUDITED_MAX:,} are read")
    with_rate = [image for image in audited if image.draw_rate > 0]
    # without a verdict nobody knew what the model answered
    weighted = [image for image in with_rate if image.verdict]
    images, unknown = judged(weighted)
    classes = by_class(images)
    versions = sorted(
        (
            VersionScore(version, _score(weighted, sampled, version), Users.of(users.get(version, {})))
            for version in {*sampled, *users, *(image.version for image in weighted)}
        ),
        key=lambda one: (-one.score.n, -one.score.sampled, -one.users.n, one.version),
    )
    total = _score(weighted, sampled)
    of_users = Users.of(_added(users.values()))
    threshold = threshold_for(images, target_precision)
    return FeedbackReport(
        model_id,
        since,
        until,
        total,
        of_users,
        tuple(classes[:CLASSES_MAX]),
        tuple(by_confidence(images)),
        threshold,
        tuple(versions[:VERSIONS_MAX]),
        sentence_of(model_id, total, of_users.value, of_users.n),
        tuple(
            limitations_of(
                score=total,
                clustered=any(
                    one.precision.clusters < min(REVIEWED_MIN, one.precision.n) for one in classes[:CLASSES_MAX]
                ),
                without_rate=len(audited) - len(with_rate),
                without_detections=len(with_rate) - len(weighted) + unknown,
                left_out=left_out,
                users=of_users.n,
                lost=any(n < 0 for n in of_users.by_type.values()),
                classes_left_out=max(0, len(classes) - CLASSES_MAX),
                versions=len(versions),
                versions_left_out=max(0, len(versions) - VERSIONS_MAX),
            )
        ),
    )


def _score(audited: Sequence[Audited], sampled: Mapping[str, int], version: str | None = None) -> Score:
    """Of one version, or of all."""
    own = [image for image in audited if version is None or image.version == version]
    drawn = sum(sampled.values()) if version is None else sampled.get(version, 0)
    return score([image.weight for image in own], [image.correct for image in own], drawn)


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for of_version in counts:
        for name, n in of_version.items():
            total[name] = total.get(name, 0) + n
    return total


def _score_document(found: Score) -> dict[str, Any]:
    return {
        "value": _number(found.value),
        "lower": _number(found.lower),
        "upper": _number(found.upper),
        "n": found.n,
        "sampled": found.sampled,
    }


def _precision_document(found: Proportion) -> dict[str, Any]:
    return {
        "precision": _number(found.value),
        "lower": _number(found.lower),
        "upper": _number(found.upper),
        "n": found.n,
    }


def _number(value: float) -> float | None:
    """None for what JSON has no number for."""
    return float(value) if isfinite(value) else None
