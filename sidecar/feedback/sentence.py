"""The report in a sentence, and what a reader must know of it."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan

from sidecar.feedback.audited import AUDITED_MAX
from sidecar.feedback.score import Score

REVIEWED_MIN = 150
"""Under so many reviewed images the interval is wide, and no experiment rests on them."""


def sentence_of(model_id: str, score: Score, users_value: float, users_n: int) -> str:
    """How right a model is, how sure that is, and beside it what people say by themselves.

    >>> sentence_of("det@2", Score(0.9, 0.85, 0.934, 200, 400, 200.0), 0.4, 0)
    '90 % of the images of det@2 are right (85 % to 93.4 %, 200 of 400 drawn images reviewed).'
    """
    if not score.n and not users_n:
        return (
            f"Nothing is known yet of how right {model_id} is: no image of the random sample is reviewed, and nobody "
            "sent feedback."
        )
    sent = (
        ""
        if isnan(users_value) or not users_n
        else f"of what users sent, {_percent(users_value)} of {users_n:,} say correct"
    )
    if not score.n:
        waiting = f" ({score.sampled:,} wait for review)" if score.sampled else ""
        said = f"No image of the random sample of {model_id} is reviewed{waiting}"
    else:
        said = (
            f"{_percent(score.value)} of the images of {model_id} are right ({_percent(score.lower)} to "
            f"{_percent(score.upper)}, {score.n:,} of {score.sampled:,} drawn images reviewed)"
        )
    return f"{said}; {sent}." if sent else f"{said}."


def limitations_of(
    *,
    score: Score,
    clustered: bool,
    without_rate: int,
    without_detections: int,
    left_out: int,
    users: int,
    lost: bool,
    classes_left_out: int,
    versions: int,
    versions_left_out: int,
) -> Iterator[str]:
    """Sentences, the gravest first; each only where it applies. ``clustered``: precisions rest on few images with
    several detections each."""
    if lost:
        yield (
            "More feedback of users was taken back than given: what was given is no longer there, so their score can't "
            "be told."
        )
    if users:
        yield "Users send feedback as they please: their share tells of them as much as of the model."
    if 0 < score.n < REVIEWED_MIN:
        yield f"Fewer than {REVIEWED_MIN} images are reviewed: bounds are wide."
    elif 0 < score.effective_n < REVIEWED_MIN:
        yield (
            "Images were drawn at unlike rates: those that are reviewed tell as much as "
            f"{score.effective_n:,.0f} drawn at one rate, and bounds are wide."
        )
    if clustered:
        yield (
            f"Precisions of under {REVIEWED_MIN} images with several detections each: where one is near 100 %, its "
            "bounds hold a little less often than in 95 of 100 cases."
        )
    if 0 < score.n < score.sampled:
        yield (
            f"{score.sampled - score.n:,} of {score.sampled:,} drawn images are not reviewed (or were rejected): those "
            "that are count as a random part of them, which they are if the audit's order is followed."
        )
    if score.n and versions > 1:
        yield "Several versions are taken together: see each by itself."
    if without_rate:
        yield f"Left out: {without_rate:,} reviewed, of which it is not known how likely they were drawn."
    if without_detections:
        yield f"Left out: {without_detections:,} reviewed, of which the detections are not known."
    if left_out:
        yield f"Left out: {left_out:,} reviewed beyond the newest {AUDITED_MAX:,}."
    if classes_left_out:
        yield f"Not told of: {classes_left_out:,} classes with fewer detections."
    if versions_left_out:
        yield f"Not told of: {versions_left_out:,} versions with fewer reviews."


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
