"""Which images are kept for human review, why, and with what probability; and keeping them.

Key types: ``SamplingConfig`` holds the rules, ``decide`` applies them to a ``Prediction`` and gives a ``Decision``,
``SampleKeeper`` stores the image as a file and a ``Sample`` row, ``ImageProcess`` is the process that touches pixels.

Invariants: rules draw independently of each other, from the request's id alone, so that any process draws alike and
every kept image has a known probability; only detections at or above the operating point
(``Prediction.score_threshold``) count. An image is never decoded in the monitor's own process. A sample's row is
written after its file is whole on disk. Whatever is not kept is counted, by rule and reason.
"""

from sidecar.data_engine.config import (
    ConfigError,
    EdgeCases,
    LowConfidence,
    RandomSample,
    SamplingConfig,
    sampling_config,
)
from sidecar.data_engine.images import ImageFault, Probe
from sidecar.data_engine.policies import Decision, decide
from sidecar.data_engine.process import ImageProcess
from sidecar.data_engine.samples import SampleKeeper

__all__ = [
    "ConfigError",
    "Decision",
    "EdgeCases",
    "ImageFault",
    "ImageProcess",
    "LowConfidence",
    "Probe",
    "RandomSample",
    "SampleKeeper",
    "SamplingConfig",
    "decide",
    "sampling_config",
]
