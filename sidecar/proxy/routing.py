"""Which model a request is for and which variant serves it: pure functions of the settings and the request."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sidecar.hashing import unit_interval
from sidecar.proxy.assignment import Assignment, Header, Split
from sidecar.types import Experiment, Pin, ProxySettings, RoutePattern, Shadow, Variant

_BRACE = re.compile(r"\{(model|version|[a-z_]+)(:int)?\}")
REQUEST_FIELDS = frozenset(
    (b"content-type", b"content-encoding", b"inference-header-content-length", b"x-request-id", b"traceparent")
)
"""Fields of a request that are recorded, beside those that name the unit of an A/B test."""
PATHS_MAX = 1_024
PATH_CHARS_KEPT = 256
"""Paths of which the route is known, and how long they may be; over it all are forgotten."""
_SECRETS = frozenset(("api_key", "key", "token", "access_token", "signature", "sig", "password", "secret"))


@dataclass(frozen=True, slots=True)
class Match:
    """A prediction route that a request met; ``route`` is its path as the pattern has it."""

    model: str
    version: str
    dialect: str
    variant: str
    route: str = ""


class Router:
    """The settings, compiled.

    >>> from sidecar.types import ProxySettings, RoutePattern, Variant
    >>> route = RoutePattern(("POST",), "/v1/models/{model}:predict", "tf")
    >>> router = Router(ProxySettings(1, (Variant("A", "http://m"),), "A", (route,)))
    >>> router.match("POST", "/v1/models/det:predict").model
    'det'
    """

    def __init__(self, settings: ProxySettings) -> None:
        versions = {variant.name: variant.version for variant in settings.variants}
        self._splits = tuple(Split(experiment, versions) for experiment in settings.experiments)
        self._serving = {variant.name: Assignment(variant.name, "serving") for variant in settings.variants}
        self._default = self._serving[settings.default]
        self._production = dict(settings.production)
        self._others = self._production.pop("*", settings.default)
        self.shadows = settings.shadows
        self._pins = _by_model(settings.pins)
        self._pins_of_others = self._pins.pop("*", ())
        self._literal: dict[tuple[str, str], Match] = {}
        self._patterns: dict[tuple[str, int], list[tuple[re.Pattern[str], RoutePattern]]] = {}
        unit_headers = frozenset(split.unit_header for split in self._splits if split.unit_header)
        self.recorded_fields = REQUEST_FIELDS | unit_headers
        self._met: dict[tuple[str, str], Match] = {}
        for route in settings.routes:
            self._compile(route)

    def _compile(self, route: RoutePattern) -> None:
        for method in route.methods:
            if "{" in route.path:
                key = (method.upper(), route.path.count("/"))
                self._patterns.setdefault(key, []).append((compile_path(route.path), route))
            else:
                match = Match(route.model, "", route.dialect, route.variant, route.path)
                self._literal.setdefault((method.upper(), route.path), match)

    def match(self, method: str, path: str) -> Match | None:
        """The route of a request, None where it is no prediction. ``path`` is raw, without its query."""
        literal = self._literal.get((method, path))
        if literal is not None:
            return literal
        known = self._met.get((method, path))
        if known is None:
            known = self._match_patterns(method, path)
            if known is not None and len(path) <= PATH_CHARS_KEPT:
                if len(self._met) >= PATHS_MAX:
                    self._met.clear()
                self._met[method, path] = known
        return known

    def _match_patterns(self, method: str, path: str) -> Match | None:
        for pattern, route in self._patterns.get((method, path.count("/")), ()):
            found = pattern.fullmatch(path)
            if found is None:
                continue
            named = found.groupdict()
            if any(value in (".", "..") for value in named.values()):
                continue
            model, version = named.get("model") or route.model, named.get("version") or ""
            return Match(model, version, route.dialect, route.variant, route.path)
        return None

    def assign(
        self,
        match: Match | None,
        client: str,
        prediction_id: str,
        header: Header,
        down: frozenset[str] = frozenset(),
    ) -> Assignment:
        """The variant of a request: its model's A/B test decides, else what was promoted, its route, the default.

        A request that is no prediction is the default's, whatever was promoted. ``down``: variants whose upstream is.
        """
        if match is None:
            return self._default
        for split in self._splits:
            if _claims(split.model, match):
                assignment = split.assign(client, prediction_id, header)
                return split.while_down(assignment, down) if down else assignment
        return self._serving[self._production.get(match.model) or match.variant or self._others]

    def shadow_for(self, match: Match, prediction_id: str) -> Shadow | None:
        """The shadow test that drew this request, which must have the role ``serving``, for a copy."""
        for shadow in self.shadows:
            if _claims(shadow.model, match):
                return shadow if unit_interval(shadow.salt, prediction_id) < shadow.share else None
        return None

    def pinned(self, model: str, prediction_id: str) -> tuple[str, ...]:
        """The sampling rules that drew this request already, by the same draw as the monitor's: those of its model, and
        those of all models for which it has none of its own."""
        drawn: tuple[str, ...] = ()
        for rule, rate in self._pins.get(model, self._pins_of_others):
            if unit_interval(prediction_id, rule) < rate:
                drawn = (*drawn, rule)
        return drawn


def _claims(model: str, match: Match) -> bool:
    """A route with a variant of its own yields only to a test that names its model."""
    return model == match.model or (model == "*" and not match.variant)


def _by_model(pins: Iterable[Pin]) -> dict[str, tuple[tuple[str, float], ...]]:
    """Of each model with a pin of its own, and of ``*``, all (rule, rate) that apply to it. What can draw nothing is
    left out."""
    rates: dict[str, dict[str, float]] = {"*": {}}
    for pin in pins:
        rates.setdefault(pin.model, {})[pin.rule] = pin.rate
    of_all = rates["*"]
    return {
        model: tuple((rule, rate) for rule, rate in (of_all | own).items() if rate > 0) for model, own in rates.items()
    }


def check_settings(settings: ProxySettings) -> None:
    """Raises ValueError where settings name a variant that there is not, or a test that can't be run."""
    names = {variant.name for variant in settings.variants}

    def check(place: str, variant: str) -> None:
        if variant not in names:
            raise ValueError(f"{place}: no variant is named {variant!r}")

    check("default", settings.default)
    for route in settings.routes:
        if route.variant:
            check(f"routes: {route.path}", route.variant)
    for experiment in settings.experiments:
        place = f"experiments: {experiment.name}"
        for side in (experiment.control, *experiment.treatments):
            check(place, side)
        _check_shares(place, experiment)
    for shadow in settings.shadows:
        check(f"shadows: {shadow.name}", shadow.variant)
        if not (shadow.name and shadow.name.isascii() and shadow.name.isprintable()):
            raise ValueError(f"shadows: {shadow.name!r} is no header's value, expected printable ASCII")
    for model, variant in settings.production:
        check(f"production: {model}", variant)
    path = settings.feedback.path
    if path and not path.startswith("/"):
        raise ValueError(f"feedback: {path!r} is no path, expected e.g. /feedback")


def _check_shares(place: str, experiment: Experiment) -> None:
    shares, treatments = experiment.shares, experiment.treatments
    if not treatments or len(shares) != len(treatments):
        raise ValueError(f"{place}: {len(shares)} shares for {len(treatments)} treatments, expected one for each")
    if not all(0 <= share <= 1 for share in shares) or sum(shares) > 1 + 1e-9:
        raise ValueError(f"{place}: shares {shares} must each lie within 0 to 1, and so must their sum")


def compile_path(path: str) -> re.Pattern[str]:
    """The expression of a route path: a brace takes one segment or what precedes the literal text after it."""
    parts: list[str] = []
    position = 0
    for brace in _BRACE.finditer(path):
        parts.append(re.escape(path[position : brace.start()]))
        parts.append(f"(?P<{brace.group(1)}>{'[0-9]+' if brace.group(2) else '[^/]+?'})")
        position = brace.end()
    parts.append(re.escape(path[position:]))
    return re.compile("".join(parts))


def served_version(variant: Variant, match: Match) -> str:
    """The model version an exchange is recorded under."""
    return variant.version or match.version or variant.name


def redact(query: str) -> str:
    """``query`` with the values of credentials replaced.

    >>> redact("size=640&API_KEY=abc&token")
    'size=640&API_KEY=REDACTED&token'
    """
    if not query:
        return query
    return "&".join(_redact_pair(pair) for pair in query.split("&"))


def _redact_pair(pair: str) -> str:
    name, separator, value = pair.partition("=")
    if not value or _unquote(name).lower() not in _SECRETS:
        return pair
    return f"{name}{separator}REDACTED"


def _unquote(text: str) -> str:
    if "%" not in text:
        return text
    return re.sub(r"%([0-9A-Fa-f]{2})", lambda match: chr(int(match.group(1), 16)), text)
