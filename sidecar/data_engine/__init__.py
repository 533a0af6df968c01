"""Which images are kept for human review, why, and with what probability; and keeping them.

Key types: ``SamplingConfig`` holds the rules, ``decide`` applies them to a ``Prediction`` and gives a ``Decision``,
``decide_all`` of ``policies`` to the ``Columns`` of a batch, which is what a running monitor does;
``DataEngine`` has the rules of every model, its ``ClassHistory``, and what holds rules back; ``SampleKeeper`` stores
the image as a file and a ``Sample`` row, ``Thumbnails`` has small copies of them, ``ImageProcess`` is the process that
touches pixels.

Invariants: rules draw independently of each other, from the request's id alone, so that any process draws alike and
every kept image has a known probability; no limit, cool-down or likeness to another image holds the random sample back,
only a disk without room does; detections below the operating point (``Prediction.score_threshold``) count for
``close_to_threshold`` alone. An image is never decoded in the monitor's own process. A sample's row is written after
its file is whole on disk. Whatever is not kept is counted, by rule and reason.
"""

from sidecar.data_engine.config import (
    CONDITIONS,
    DISAGREEMENT,
    RANDOM,
    ClassRule,
    CloseToThreshold,
    DisagreementRule,
    EdgeCases,
    LowConfidence,
    NearDuplicates,
    NewClass,
    RandomSample,
    RareClass,
    RateLimits,
    SamplingConfig,
)
from sidecar.data_engine.engine import LIMITS, DataEngine, Engine, Why, dataset_slug, unit_of
from sidecar.data_engine.history import ClassHistory
from sidecar.data_engine.images import ImageFault, Probe
from sidecar.data_engine.near_duplicates import hash_distance
from sidecar.data_engine.policies import Decision, decide
from sidecar.data_engine.process import ImageProcess
from sidecar.data_engine.reading import ConfigError, sampling_config
from sidecar.data_engine.samples import SampleKeeper
from sidecar.data_engine.thumbnails import Thumbnails, TooMany

__all__ = [
    "CONDITIONS",
    "DISAGREEMENT",
    "LIMITS",
    "RANDOM",
    "ClassHistory",
    "ClassRule",
    "CloseToThreshold",
    "ConfigError",
    "DataEngine",
    "Decision",
    "DisagreementRule",
    "EdgeCases",
    "Engine",
    "ImageFault",
    "ImageProcess",
    "LowConfidence",
    "NearDuplicates",
    "NewClass",
    "Probe",
    "RandomSample",
    "RareClass",
    "RateLimits",
    "SampleKeeper",
    "SamplingConfig",
    "Thumbnails",
    "TooMany",
    "Why",
    "dataset_slug",
    "decide",
    "hash_distance",
    "sampling_config",
    "unit_of",
]
