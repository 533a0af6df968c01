"""What came about, on one line of time: versions that came, promotions, tests of versions, alerts, baselines. Pure: the
documents of the API go in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

Kind = Literal[
    "first_traffic",
    "registered",
    "promoted",
    "test_began",
    "test_changed",
    "test_paused",
    "test_resumed",
    "test_ended",
    "alert_fired",
    "baseline_set",
]
Subject = Literal["model", "ab_test", "shadow_test", "alert", "baseline"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ANY_MODEL = "*"
NAME_CHARACTERS_MAX = 100
BEGINNING_S = 60.0
"""A version whose traffic begins no later after that of the store began with the record: nothing came about."""
_TESTS = {"ab_test": "A/B test", "shadow_test": "shadow test"}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that came about ``at`` epoch seconds. ``model`` and ``version`` say what it is about: both are empty
    for the sidecar itself, the model is ``*`` for all. ``subject`` and ``id`` say what to look at. ``clause`` follows
    "since" in a sentence; it is empty where the event is no reason for figures of what serves to change."""

    at: float
    kind: Kind
    model: str
    version: str
    text: str
    subject: Subject
    id: str
    clause: str = ""

    @property
    def model_id(self) -> str:
        """What it is about, as one name."""
        return f"{self.model}@{self.version}" if self.version else self.model

    def is_of(self, model: str, version: str | None = None) -> bool:
        """Whether it has to do with a model, or a version of it.

        >>> event = Event(5.0, "promoted", "det", "2", "det@2 was promoted", "model", "det@2")
        >>> event.is_of("det"), event.is_of("det", "1"), event.is_of("faces")
        (True, False, False)
        """
        return self.model in (model, ANY_MODEL) and (version is None or self.version in ("", version))

    def to_dict(self) -> dict[str, Any]:
        """An EventOut."""
        return {
            "at": self.at,
            "kind": self.kind,
            "model": self.model,
            "version": self.version,
            "model_id": self.model_id,
            "text": self.text,
            "subject": self.subject,
            "id": self.id,
        }


def newest_of(events: Iterable[Event], since: float, until: float, limit: int) -> tuple[list[Event], int]:
    """Those of ``since <= at < until``, newest first, ``limit`` at most, and how many more there are. Of one moment
    what came later is told first, as it is of others."""
    found = sorted((event for event in events if since <= event.at < until), key=lambda event: event.at)[::-1]
    return found[:limit], max(len(found) - limit, 0)


def of_first_traffic(begun: Mapping[tuple[str, str], float]) -> Iterator[Event]:
    """Of each (model, version) when its traffic began; without those the record of their model begins with.

    >>> [event.text for event in of_first_traffic({("det", "1"): 0.0, ("det", "2"): 900.0})]
    ['det@2 got its first traffic']
    """
    for (model, version), at in begun.items():
        earliest = min(one for (of, _), one in begun.items() if of == model)
        if version and at > earliest + BEGINNING_S:
            name = _name(f"{model}@{version}")
            text = f"{name} got its first traffic"
            yield Event(at, "first_traffic", model, version, text, "model", f"{model}@{version}", text)


def of_models(models: Iterable[Mapping[str, Any]]) -> Iterator[Event]:
    """Of models and versions that were registered or trained."""
    for item in models:
        if item["created_at"] is not None:
            how = "was trained" if item["origin"] == "training" else "was registered"
            text = f"{_name(item['id'])} {how}"
            yield Event(item["created_at"], "registered", item["model"], item["version"], text, "model", item["id"])


def of_baselines(baselines: Iterable[Mapping[str, Any]]) -> Iterator[Event]:
    """Of baselines that were frozen."""
    for item in baselines:
        text = f"baseline {_quoted(item['name'])} of {_name(item['model_id'])} was set"
        version, identity = item["version"], item["baseline_id"]
        yield Event(item["created_at"], "baseline_set", item["model"], version, text, "baseline", identity)


def of_transitions(transitions: Iterable[Mapping[str, Any]]) -> Iterator[Event]:
    """Of alerts that fired."""
    for item in transitions:
        if item["to_state"] == "firing":
            model, _, version = item["model_id"].partition("@")
            text = f"alert {_quoted(item['name'])} fired" + (f": {item['sentence']}" if item["sentence"] else "")
            yield Event(item["at"], "alert_fired", model, version, text, "alert", item["alert_id"])


def of_test(test: Mapping[str, Any]) -> Iterator[Event]:
    """What came about in the life of an A/B test or a shadow test: every change of its split, its end, a promotion."""
    subject: Subject = test["kind"]
    name = f"{_TESTS[subject]} {_quoted(test['name'])}"
    model = test["model"]
    paused = False
    for number, epoch in enumerate(test["epochs"]):
        shares = _treated(test, epoch["shares"])
        gives = any(shares.values())
        kind: Kind = "test_changed"
        if number == 0:
            kind, done = "test_began", "began"
        elif not gives:
            kind, done = "test_paused", "was paused"
        elif paused:
            kind, done = "test_resumed", "was resumed"
        else:
            done = "changed its split" if epoch["reason"] == "ramped" else f"changed ({_name(epoch['reason'])})"
        split = f" with {_split(shares)}" if gives else ""
        paused = not gives
        # copies are answered to nobody: no figure of what serves comes of them
        clause = f"the {name} {done}{split}" if subject == "ab_test" else ""
        yield Event(epoch["since"], kind, model, "", f"{name} {done}{split}", subject, test["id"], clause)
    yield from _end_of(test, name, subject)


def _end_of(test: Mapping[str, Any], name: str, subject: Subject) -> Iterator[Event]:
    if test["ended_at"] is not None:
        done = {"completed": "came to its end", "stopped": "was stopped", "concluded": "was concluded"}[test["status"]]
        why = f": {_name(test['reason'])}" if test["reason"] else ""
        clause = f"the {name} {done}" if subject == "ab_test" else ""
        text = f"{name} {done}{why}"
        yield Event(test["ended_at"], "test_ended", test["model"], "", text, subject, test["id"], clause)
    if test["promoted_at"] is not None:
        promoted = _name(test["promoted"])
        model, _, version = test["promoted"].partition("@")
        of = model if version else test["model"]
        text = f"{promoted} was promoted"
        yield Event(test["promoted_at"], "promoted", of, version, text, subject, test["id"], text)


def _treated(test: Mapping[str, Any], shares: Mapping[str, float]) -> dict[str, float]:
    """The shares of all but control, by model id."""
    variants: Sequence[Mapping[str, Any]] = test["variants"][1:] if test["kind"] == "ab_test" else [test["shadow"]]
    return {item["id"]: shares.get(item["variant"], 0.0) for item in variants}


def _split(shares: Mapping[str, float]) -> str:
    """
    >>> _split({"det@2": 0.5, "det@3": 0.125})
    '50 % for det@2 and 12.5 % for det@3'
    """
    return " and ".join(f"{100 * share:.3g} % for {_name(name)}" for name, share in shares.items() if share)


def _quoted(name: str) -> str:
    return f"“{_name(name)}”"


def _name(name: str) -> str:
    """On one line, without what does not print."""
    text = " ".join("".join(char if char.isprintable() else " " for char in name).split())
    return text if len(text) <= NAME_CHARACTERS_MAX else text[: NAME_CHARACTERS_MAX - 1] + "…"
