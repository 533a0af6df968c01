"""Which upstream a model id means."""

from __future__ import annotations

import pytest

from sidecar.app.config import Config
from sidecar.app.load import load_config
from sidecar.app.registered import with_registered
from sidecar.app.state import Registered, State
from sidecar.app.trial_ids import Ids, Named, check_told_apart, points_of
from sidecar.trials import Points, TrialFault

KNOWN = [("det", "1"), ("det", "2"), ("gate", "1")]


def config() -> Config:
    upstreams = [
        {"name": "A", "url": "http://a", "version": "1"},
        {"name": "B", "url": "http://b", "version": "2", "score_threshold": 0.5},
        {"name": "C", "url": "http://c"},
        {"name": "D", "url": "http://d", "version": "1"},
    ]
    return load_config(None, {"upstreams": upstreams, "models": [{"name": "det", "score_threshold": 0.3}]})


def ids(known: list[tuple[str, str]] = KNOWN) -> Ids:
    return Ids(config(), known, lambda model: {"det": "B"}.get(model, "A"))


@pytest.mark.parametrize(
    ("model_id", "named"),
    [
        ("det@2", Named("det", "B")),
        ("det@C", Named("det", "C")),
        ("A", Named("*", "A")),
        ("det", Named("det", "B")),
    ],
)
def test_an_id_means_a_variant(model_id: str, named: Named) -> None:
    """By its version, by an upstream's name; a model alone means what serves it."""
    assert ids().variant(model_id, "model_a_id", bare=True) == named


@pytest.mark.parametrize(
    ("model_id", "message"),
    [
        ("nope", "no model or upstream is called 'nope'; there are the models det, gate and the upstreams A"),
        ("nope@1", "no model or upstream is called 'nope@1'"),
        ("det@3", r"no upstream serves version '3' of 'det'; the upstreams A \(version 1\), B \(version 2\), C, D"),
        ("det@1", "version '1' is that of several upstreams: name one, A or D"),
        ("det", "'det' has no version, expected det@VERSION or the upstreams A"),
    ],
)
def test_an_id_that_means_nothing_is_told_with_what_there_is(model_id: str, message: str) -> None:
    """The fault names the field it stood in."""
    with pytest.raises(TrialFault, match=f"model_b_id: {message}"):
        ids().variant(model_id, "model_b_id")


def trained(known: list[tuple[str, str]] = KNOWN) -> Ids:
    """With version 5 trained of det and of gate, and version 2 of gate, which an upstream of the file has too."""
    of = [("det", "5"), ("gate", "5"), ("gate", "2")]
    items = [Registered(name=f"{m}-{v}", model=m, version=v, url="http://t") for m, v in of]
    return Ids(with_registered(config(), State(registered=tuple(items))), known, lambda model: "A")


def test_trained_version_is_its_own_models() -> None:
    """Two models may have one of the same number; before any traffic a model is known by what was trained of it."""
    for known in (KNOWN, [("other", "1")], []):
        assert trained(known).variant("det@5", "model_b_id") == Named("det", "det-5")
        assert trained(known).variant("gate@5", "model_b_id") == Named("gate", "gate-5")
    assert trained().variant("gate@2", "model_b_id") == Named("gate", "gate-2")
    assert trained().variant("det@2", "model_b_id") == Named("det", "B")
    with pytest.raises(TrialFault, match="no upstream serves version '5' of 'door'"):
        trained([*KNOWN, ("door", "1")]).variant("door@5", "model_b_id")


def test_upstream_of_a_trained_version_is_of_no_other_models_test() -> None:
    """By its name either."""
    ids = trained()
    named = ids.variant("gate-5", "model_b_id")
    assert named == Named("gate", "gate-5")
    with pytest.raises(TrialFault, match="model_b_id: 'gate-5' is not a version of 'det'"):
        ids.one_model([(Named("det", "A"), "det@1", "model_a_id"), (named, "gate-5", "model_b_id")])


def test_before_any_traffic_a_model_is_taken_at_its_word() -> None:
    """Nothing is recorded yet that could say that there is no such model; a bare name could be anything."""
    assert ids([]).variant("new@2", "model_b_id") == Named("new", "B")
    with pytest.raises(TrialFault, match="no model or upstream is called 'new'"):
        ids([]).variant("new", "model_a_id", bare=True)


def test_variants_of_two_models_are_no_test() -> None:
    """An upstream's name goes with any model; two names alone mean all models."""
    a, b, other = Named("det", "A"), Named("*", "B"), Named("gate", "B")
    assert ids().one_model([(a, "det@1", "model_a_id"), (b, "B", "model_b_id")]) == "det"
    assert ids().one_model([(b, "B", "model_a_id"), (b, "C", "model_b_id")]) == "*"
    with pytest.raises(TrialFault, match="model_b_id: 'gate@2' is not a version of 'det'"):
        ids().one_model([(a, "det@1", "model_a_id"), (other, "gate@2", "model_b_id")])


def test_points_are_versions_and_operating_points() -> None:
    """An upstream's own threshold, else its model's."""
    points = points_of(config(), "det", ("A", "B", "gone"))
    assert points == Points({"A": "1", "B": "2"}, {"A": 0.3, "B": 0.5})
    assert points_of(config(), "gate", ("A",)).thresholds == {"A": None}
    assert Points.of_text(points.text) == points


def test_treatments_of_one_version_cannot_be_told_apart() -> None:
    """Their answers would be recorded as one."""
    points = points_of(config(), "det", ("C", "A", "B", "D"))
    check_told_apart(points, ("A", "B"))
    check_told_apart(points, ("C",))
    with pytest.raises(TrialFault, match="upstream C has no `version`"):
        check_told_apart(points, ("A", "C"))
    with pytest.raises(TrialFault, match="A and D are both version '1'"):
        check_told_apart(points, ("A", "B", "D"))
