"""The classifier of one trained version: logistic regression on 8 x 8 pixels of ink, and the file it is kept in.

The file is a plain npz (coefficients, intercepts, classes), read without pickle: who can write it can bend a
prediction, never run code.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sidecar.demo.digits import Pixels

MODEL_NAME = "model.npz"
FEATURES = 64
CLASSES_MAX = 100
FILE_BYTES_MAX = 1024 * 1024
NO_DIGIT = -1
"""The class of what segmentation finds besides digits: bar codes, noise."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Classifier:
    """``coefficients``: [K, 64]. ``intercepts``: [K]. ``classes``: [K] digits, NO_DIGIT among them."""

    coefficients: Numbers
    intercepts: Numbers
    classes: NDArray[np.int64]

    def probabilities(self, features: Pixels) -> Numbers:
        """[N, 64] ink -> [N, K], each row adding up to 1."""
        logits = features @ self.coefficients.T + self.intercepts
        logits -= logits.max(axis=1, keepdims=True)
        raised = np.exp(logits)
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def fit(features: Pixels, labels: NDArray[np.int64]) -> Classifier:
    """Of at least three classes; imports scikit-learn. The same input gives the same classifier."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # it comes with scikit-learn

    with threadpool_limits(1):  # threads that wait for each other cost sixty times the work on matrices this small
        fitted = LogisticRegression(C=10.0, max_iter=300).fit(features, labels)
    return Classifier(
        np.asarray(fitted.coef_, np.float64),
        np.asarray(fitted.intercept_, np.float64),
        np.asarray(fitted.classes_, np.int64),
    )


def save_classifier(path: Path, classifier: Classifier) -> None:
    """Whole or not at all: a server that looks for it never finds half a file."""
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        np.savez(
            file,
            coefficients=classifier.coefficients,
            intercepts=classifier.intercepts,
            classes=classifier.classes,
        )
    part.replace(path)


def read_classifier(path: Path) -> Classifier:
    """What ``save_classifier`` wrote. Raises OSError, or ValueError where the file holds something else."""
    if path.stat().st_size > FILE_BYTES_MAX:
        raise ValueError(f"model: {path} has over {FILE_BYTES_MAX} bytes")
    try:
        with np.load(path, allow_pickle=False) as file:
            found = Classifier(
                file["coefficients"].astype(np.float64),
                file["intercepts"].astype(np.float64),
                file["classes"].astype(np.int64),
            )
    except (KeyError, EOFError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"model: {path} is no classifier of the demo: {error}") from None
    count = len(found.classes)
    shapes = (found.coefficients.shape, found.intercepts.shape, found.classes.shape)
    if not 2 <= count <= CLASSES_MAX or shapes != ((count, FEATURES), (count,), (count,)):
        raise ValueError(f"model: {path} has the shapes {shapes}, expected [K, {FEATURES}], [K] and [K]")
    if not (np.isfinite(found.coefficients).all() and np.isfinite(found.intercepts).all()):
        raise ValueError(f"model: {path} has numbers that are not finite")
    return found
