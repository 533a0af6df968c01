"""From what a person asks of a test to its definition: ids resolved, faults told all at once, nothing begun."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

import structlog

from sidecar.app.declared import Tell
from sidecar.app.trial_ids import Ids, Named, check_told_apart, points_of
from sidecar.app.trialing import Trialing
from sidecar.experiments import slow_edge
from sidecar.experiments.asking import DefinitionError, check_variants, read_ab_config, read_shadow_config, read_split
from sidecar.experiments.definition import Definition, ShadowDefinition
from sidecar.experiments.lifecycle import DAY_S, Trial
from sidecar.recording import UNJUDGED_ROLES, SummaryRow
from sidecar.summaries import ExponentialHistogram, Summary, SummaryError
from sidecar.trials import Points, TrialFault

log = structlog.get_logger()

NAME_MAX = 100
EDGE_REQUESTS_MIN = 100
"""Answers of a version in the last day from which its 95th percentile says what is slow."""


class Channels(Protocol):
    """Where a stop by a guardrail can be told."""

    def fault(self, channel: str) -> str:
        """Why this is no channel; empty where it is one."""

    def warning(self, channel: str) -> str:
        """What a channel still needs; empty where nothing."""


class Asking:
    """Reads questions under the configuration as it is now. ``tell`` makes the alert of a test, ``known`` gives every
    (model, version) that a person may name; None: those with traffic."""

    def __init__(
        self,
        trialing: Trialing,
        channels: Channels,
        tell: Tell,
        known: Callable[[], Awaitable[Collection[tuple[str, str]]]] | None = None,
    ) -> None:
        self._trialing = trialing
        self._known = known or trialing.reader.models
        self._channels = channels
        self._tell = tell

    async def ab_test(
        self, name: str, model_a_id: str, model_b_id: str, config: Mapping[str, Any]
    ) -> tuple[Definition, Points]:
        """Raises DefinitionError with every fault."""
        faults = _name_faults(name)
        ids = await self._ids()
        wanted = [(model_a_id, "model_a_id"), (model_b_id, "model_b_id")]
        wanted += [(one, "config.treatments") for one in _treatments(config, faults)]
        named = _named(ids, wanted, faults)
        variants = [variant.variant for variant, _, _ in named]
        fields = _gathered(faults, lambda: self._ab_fields(config, named, variants, whole=len(named) == len(wanted)))
        model = _gathered(faults, lambda: ids.one_model(named))
        faults += [
            ("config.notify", fault) for channel in _channels(config) if (fault := self._channels.fault(channel))
        ]
        _gathered(faults, lambda: _check_distinct(named))
        points = points_of(self._trialing.config, model or "", variants)
        if not faults:
            _gathered(faults, lambda: check_told_apart(points, variants[1:]))
        control = next((variant.variant for variant, _, field in named if field == "model_a_id"), None)
        if model is not None and control is not None:
            faults += self._control_faults(model, control, model_a_id)
        if faults or fields is None or model is None:
            raise DefinitionError(faults)
        return Definition(name.strip(), model, variants[0], tuple(variants[1:]), **fields), points

    async def shadow_test(
        self, name: str, model_id: str, shadow_model_id: str, config: Mapping[str, Any]
    ) -> tuple[ShadowDefinition, Points]:
        """Raises DefinitionError with every fault."""
        faults = _name_faults(name)
        ids = await self._ids()
        wanted = [(model_id, "model_id"), (shadow_model_id, "shadow_model_id")]
        named = _named(ids, wanted, faults, bare=("model_id",))
        fields = _gathered(faults, lambda: read_shadow_config(config))
        model = _gathered(faults, lambda: ids.one_model(named))
        if len(named) == 2 and model is not None:
            faults += self._shadow_faults(model, named)
        if faults or fields is None or model is None:
            raise DefinitionError(faults)
        serving, shadow = (variant.variant for variant, _, _ in named)
        points = points_of(self._trialing.config, model, (serving, shadow))
        return ShadowDefinition(name.strip(), model, shadow, **fields), points

    def shares(self, trial: Trial, split: Any) -> tuple[float, ...]:
        """The shares that a new split gives. Raises TrialFault."""
        definition = trial.definition
        if isinstance(definition, ShadowDefinition):
            try:
                return (float(read_shadow_config({"share": split})["share"]),)
            except DefinitionError as error:
                raise TrialFault("share", error.faults[0][1]) from error
        points = Points.of_text(trial.opened_for)
        by_id = {points.model_id(definition.model, name): name for name in definition.variants}
        try:
            return read_split(_by_variant(split, by_id), definition.variants, trial.resumed_shares)
        except ValueError as error:
            raise TrialFault("traffic_split", str(error)) from error

    async def slow_edge_ms(self, definition: Definition, points: Points) -> float | None:
        """What is slow for control: its 95th percentile of the last day; None where it has hardly answered."""
        if definition.model == "*":
            return None
        now = self._trialing.clock()
        rows = await self._trialing.reader.summaries(
            since=now - DAY_S,
            until=now,
            width_s=3_600,
            model=definition.model,
            version=points.versions.get(definition.control) or None,
            roles_without=UNJUDGED_ROLES,
        )
        latency = await asyncio.to_thread(_latency_of, rows)
        return slow_edge(latency.quantile(0.95)) if latency.count >= EDGE_REQUESTS_MIN else None

    async def tell_of_stops(self, trial: Trial) -> None:
        """An alert that tells the test's channels of stops by guardrails."""
        if isinstance(trial.definition, Definition) and trial.definition.notify:
            await self._tell(trial)

    def ab_warnings(self, trial: Trial) -> list[str]:
        """What the people who look at a test under way should know."""
        definition = trial.definition
        if not trial.active or not isinstance(definition, Definition):
            return []
        warnings = [warning for channel in definition.notify if (warning := self._channels.warning(channel))]
        if "slow_rate" in definition.metrics and trial.slow_edge_ms is None:
            warnings.append("What counts as slow is not known yet: slow_rate stays empty until control has answered.")
        return warnings

    def _ab_fields(
        self, config: Mapping[str, Any], named: Sequence[tuple[Named, str, str]], variants: Sequence[str], whole: bool
    ) -> dict[str, Any]:
        """What the config sets. Where an id means nothing, shares by id can't be read either."""
        by_id = {model_id: variant.variant for variant, model_id, _ in named}
        asked = {key: value for key, value in config.items() if key != "treatments"}
        if "traffic_split" in asked:
            asked["traffic_split"] = _by_variant(asked["traffic_split"], by_id)
        told_apart = whole and len(set(variants)) == len(variants)
        if not told_apart and isinstance(asked.get("traffic_split"), Mapping):
            asked["traffic_split"] = 0.5
        return read_ab_config(asked, variants if told_apart else ["A", "B"])

    def _shadow_faults(self, model: str, named: Sequence[tuple[Named, str, str]]) -> list[tuple[str, str]]:
        serving = self._trialing.control.serving(model)
        (first, first_id, _), (second, second_id, _) = named
        if second.variant == serving:
            return [("shadow_model_id", f"{second_id!r} is what serves already")]
        if first.variant != serving:
            of = "" if model == "*" else f" {model!r}"
            return [("model_id", f"{first_id!r} does not serve{of} now, {serving} does")]
        return []

    def _control_faults(self, model: str, control: str, model_a_id: str) -> list[tuple[str, str]]:
        """A test takes nothing from what serves but the treatments' shares: whatever comes of it, A serves on."""
        serving = self._trialing.control.elsewhere(model, control)
        if not serving:
            return []
        told = points_of(self._trialing.config, model, (serving,)).model_id(model, serving)
        return [("model_a_id", f"{model_a_id!r} does not serve now, {told} does: model A must be what serves")]

    async def _ids(self) -> Ids:
        return Ids(self._trialing.config, await self._known(), self._trialing.control.serving)


def _latency_of(rows: Iterable[SummaryRow]) -> ExponentialHistogram:
    """The upstream's, of all slices."""
    latency = ExponentialHistogram()
    for row in rows:
        try:
            latency = latency.merge(Summary.decode(row.payload).upstream)
        except SummaryError as error:
            log.error("summary_unreadable", bucket=row.bucket, error=str(error))
    return latency


def _name_faults(name: str) -> list[tuple[str, str]]:
    if not name.strip() or len(name) > NAME_MAX or not name.isprintable():
        return [("name", f"{name[:NAME_MAX]!r} is no name, expected 1 to {NAME_MAX} printable characters")]
    return []


def _treatments(config: Mapping[str, Any], faults: list[tuple[str, str]]) -> Sequence[str]:
    """Further model ids of an A/B/n test."""
    given = config.get("treatments", ())
    if isinstance(given, str) or not isinstance(given, Sequence) or any(not isinstance(one, str) for one in given):
        faults.append(("config.treatments", f"{given!r} is no list of model ids"))
        return ()
    return given


def _check_distinct(named: Sequence[tuple[Named, str, str]]) -> None:
    """Raises DefinitionError where two ids mean one variant, or there are too many."""
    first: dict[str, str] = {}
    for (_, variant), model_id, field in named:
        if variant in first:
            raise DefinitionError([(field, f"{model_id!r} is {first[variant]} already: another version is needed")])
        first[variant] = field
    check_variants(list(first), list(first.values()))


def _channels(config: Mapping[str, Any]) -> Sequence[str]:
    """What of ``notify`` can be channels; what can't is a fault of its own."""
    given = config.get("notify", ())
    texts = [given] if isinstance(given, str) else given if isinstance(given, Sequence) else ()
    return [text for text in texts if isinstance(text, str)]


def _named(
    ids: Ids,
    wanted: Sequence[tuple[str, str]],
    faults: list[tuple[str, str]],
    bare: Sequence[str] = ("model_a_id",),
) -> list[tuple[Named, str, str]]:
    """(what it means, the id, its field) of those that mean something."""
    found = []
    for model_id, field in wanted:
        try:
            found.append((ids.variant(model_id, field, bare=field in bare), model_id, field))
        except TrialFault as fault:
            faults.append((fault.field, fault.message))
    return found


def _gathered(faults: list[tuple[str, str]], read: Callable[[], Any]) -> Any:
    """What ``read`` gives; None, and its faults gathered, where it can't."""
    try:
        return read()
    except DefinitionError as error:
        faults += error.faults
    except TrialFault as fault:
        faults.append((fault.field, fault.message))
    return None


def _by_variant(split: Any, by_id: Mapping[str, str]) -> Any:
    """A split {model id: share} as one by variant."""
    if not isinstance(split, Mapping):
        return split
    named = {str(name): by_id.get(str(name), str(name)) for name in split}
    if len(set(named.values())) < len(named):
        return split  # a variant under two names: as it stands one of them means nothing
    return {named[str(name)]: share for name, share in split.items()}
