"""What people say of predictions, and how right a model is by that: verdicts and estimates.

What it is for: a reviewer's labels become the verdict of a prediction (``verdict_of_labels``), what users say of one
becomes another (``verdict_of_statements``), and reviewed images of the random sample become a report (``report_of``):
the share of images that are right, precision by class and by confidence, the threshold for a wanted precision. Pure:
no clock, no randomness, no disk, no asyncio; NumPy for the overlaps.

Key types: ``Matching`` and ``Review`` of an image, ``Statement``, ``Audited`` (a reviewed image of the sample with the
chance it was drawn with), ``Proportion`` and ``Score``, ``FeedbackReport``.

Invariants, kept by tests/feedback:

- Estimates rest on images that the random sample drew and that were reviewed in the audit's random order, each weighted
  by 1 / (its chance); what users send by themselves is counted apart and enters none.
- The image is the unit of every interval: detections of one image may depend on each other.
- Every detection that counts has one outcome, every label is found once or missed; a verdict is ``correct`` if and only
  if all outcomes are true and nothing is missed.
- The same statements in the same order give the same verdict; one that stands and is said again changes nothing.
"""

from sidecar.feedback.audited import AUDITED_MAX, Audited
from sidecar.feedback.matching import (
    IOU_MIN,
    IOU_NEAR,
    DetectionOutcome,
    Matching,
    Outcome,
    match_labels,
)
from sidecar.feedback.precision import BandPrecision, ClassPrecision
from sidecar.feedback.proportion import Proportion, proportion, wilson
from sidecar.feedback.report import FeedbackReport, Users, VersionScore, report_of
from sidecar.feedback.score import Score, score
from sidecar.feedback.threshold import TARGET_DEFAULT, Threshold, threshold_for
from sidecar.feedback.verdict import (
    Review,
    Statement,
    Verdict,
    current,
    faults_of,
    labels_as_predicted,
    place_of,
    verdict_of_labels,
    verdict_of_statements,
)

__all__ = [
    "AUDITED_MAX",
    "IOU_MIN",
    "IOU_NEAR",
    "TARGET_DEFAULT",
    "Audited",
    "BandPrecision",
    "ClassPrecision",
    "DetectionOutcome",
    "FeedbackReport",
    "Matching",
    "Outcome",
    "Proportion",
    "Review",
    "Score",
    "Statement",
    "Threshold",
    "Users",
    "Verdict",
    "VersionScore",
    "current",
    "faults_of",
    "labels_as_predicted",
    "match_labels",
    "place_of",
    "proportion",
    "report_of",
    "score",
    "threshold_for",
    "verdict_of_labels",
    "verdict_of_statements",
    "wilson",
]
