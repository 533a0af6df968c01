"""What the API says of tests and their results, held against real ones: no key more, no key less."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import UnionType
from typing import Any, Union, get_args, get_origin

import numpy as np
import pytest
from pydantic import BaseModel

from sidecar.api.problems import dumps
from sidecar.api.schemas_ab_tests import AbGuardrailReading, AbMetric, AbResults, AbTest
from sidecar.api.schemas_shadow_tests import PairFlip, ShadowResults, ShadowTest
from sidecar.experiments.pairs import PairSummary, pair_request
from tests.api.live import make_prediction
from tests.kit.trials_at_hand import TrialsAtHand

AB_CONFIG = {
    "ramp": [0.2, 0.5],
    "treatments": ["det@3"],
    "metrics": ["latency", "error_rate", "feedback_score", "slow_rate"],
    "exclude": "X-Probe=1",
    "override_header": "X-Variant",
    "notify": "slack:#ml",
    "effect": 0.05,
}


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (list, dict, Union, UnionType):
        for part in get_args(annotation):
            yield from models_in(part)


def models_of(model: type[BaseModel]) -> set[type[BaseModel]]:
    """It and all models within it."""
    found = {model}
    for field in model.model_fields.values():
        for inner in models_in(field.annotation):
            found |= models_of(inner)
    return found


def check_closed(document: Mapping[str, Any], model: type[BaseModel]) -> set[type[BaseModel]]:
    """Raises where a key is not in the schema, or one of the schema not in the document; the models that were held
    against a document somewhere."""
    tag = {"etag": '"a"'} if "etag" in model.model_fields else {}  # its route's
    read = model.model_validate(json.loads(dumps({**document, **tag})))
    assert all(field.is_required() for part in models_of(model) for field in part.model_fields.values())
    assert all(part.model_config.get("extra") == "forbid" for part in models_of(model))
    return set(_seen(read))


def _seen(value: Any) -> Iterator[type[BaseModel]]:
    if isinstance(value, BaseModel):
        yield type(value)
        for name in type(value).model_fields:
            yield from _seen(getattr(value, name))
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _seen(part)


async def test_a_b_test_and_its_schema_have_the_same_keys() -> None:
    """With a ramp, guardrails, a decision and everything else that may be asked for."""
    trials = TrialsAtHand()
    await trials.create_ab_test("try", "det@1", "det@2", AB_CONFIG)
    begun = check_closed(await trials.get("ab", "try"), AbTest)
    ended = check_closed(await trials.promote("ab", "try", "C"), AbTest)
    assert begun | ended == models_of(AbTest)


@pytest.mark.parametrize("n", [0, 4_000])
async def test_results_of_an_a_b_test_and_their_schema_have_the_same_keys(n: int) -> None:
    """Before any traffic and after some, with failures on one side."""
    trials = TrialsAtHand()
    await trials.create_ab_test("try", "det@1", "det@2", AB_CONFIG)
    if n:
        trials.traffic("try", n, 0.5, latency_ms=26.0, error_rate=0.05, feedback=(30, 4))
    found = check_closed(await trials.results("ab", "try"), AbResults)
    assert found == models_of(AbResults)
    assert {AbMetric, AbGuardrailReading} <= found


async def test_shadow_test_and_its_schema_have_the_same_keys() -> None:
    """As it runs and as it ended."""
    trials = TrialsAtHand()
    await trials.create_shadow_test("behind", "det", "det@2", {})
    assert check_closed(await trials.get("shadow", "behind"), ShadowTest) == models_of(ShadowTest)
    check_closed(await trials.promote("shadow", "behind", None), ShadowTest)


async def test_results_of_a_shadow_test_and_their_schema_have_the_same_keys() -> None:
    """Before any pair, and after one with a flip, which brings flips and classes."""
    trials = TrialsAtHand()
    await trials.create_shadow_test("behind", "det", "det@2", {})
    check_closed(await trials.results("shadow", "behind"), ShadowResults)
    one = make_prediction()
    assert one.detections is not None
    other = make_prediction(detections=replace(one.detections, classes=np.array([0, 0], np.int32)))
    trials.pairs["behind"] = PairSummary()
    trials.pairs["behind"].add(pair_request([one], [other]))
    found = await trials.results("shadow", "behind")
    assert check_closed(found, ShadowResults) == models_of(ShadowResults)
    assert PairFlip.model_validate(found["flips"][0]).came == "dog"
