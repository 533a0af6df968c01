"""Which model a request is for and which variant serves it: pure functions of the settings and the request."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sidecar.hashing import unit_interval
from sidecar.types import Experiment, Pin, ProxySettings, Role, RoutePattern, Variant

_BRACE = re.compile(r"\{(model|version|[a-z_]+)(:int)?\}")
_SECRETS = frozenset(("api_key", "key", "token", "access_token", "signature", "sig", "password", "secret"))


@dataclass(frozen=True, slots=True)
class Match:
    """A prediction route that a request met; ``route`` is its path as the pattern has it."""

    model: str
    version: str
    dialect: str
    variant: str
    route: str = ""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who serves a request, in which role. ``unit`` is empty where no experiment ran or its unit is unknown."""

    variant: str
    role: Role
    experiment: str = ""
    epoch: int = 0
    unit: str = ""


class Router:
    """The settings, compiled.

    >>> from sidecar.types import ProxySettings, RoutePattern, Variant
    >>> route = RoutePattern(("POST",), "/v1/models/{model}:predict", "tf")
    >>> router = Router(ProxySettings(1, (Variant("A", "http://m"),), "A", (route,)))
    >>> router.match("POST", "/v1/models/det:predict").model
    'det'
    """

    def __init__(self, settings: ProxySettings) -> None:
        self._default = settings.default
        self._experiments = settings.experiments
        self._pins = settings.pins
        self._literal: dict[tuple[str, str], Match] = {}
        self._patterns: dict[tuple[str, int], list[tuple[re.Pattern[str], RoutePattern]]] = {}
        self.unit_headers = frozenset(
            experiment.unit[7:].lower().encode()
            for experiment in settings.experiments
            if experiment.unit.lower().startswith("header:")
        )
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

    def experiment_for(self, match: Match) -> Experiment | None:
        """The experiment that claims a model. A route with a variant of its own yields only to one naming its model."""
        for experiment in self._experiments:
            if experiment.model == match.model or (experiment.model == "*" and not match.variant):
                return experiment
        return None

    def assign(self, match: Match | None, unit_header: str | None, client: str, prediction_id: str) -> Assignment:
        """The variant of a request. ``unit_header`` is the value of the experiment's unit header, None if absent."""
        if match is None:
            return Assignment(self._default, "serving")
        experiment = self.experiment_for(match)
        if experiment is None:
            return Assignment(match.variant or self._default, "serving")
        if experiment.unit == "request":
            unit = prediction_id
        elif experiment.unit == "client":
            unit = client
        else:
            unit = unit_header or ""
        if not unit:
            return Assignment(experiment.control, "excluded", experiment.name, experiment.epoch)
        treated = unit_interval(experiment.salt, unit) < experiment.split
        return Assignment(
            experiment.treatment if treated else experiment.control,
            "treatment" if treated else "control",
            experiment.name,
            experiment.epoch,
            unit,
        )

    def pinned(self, model: str, prediction_id: str) -> tuple[str, ...]:
        """The sampling rules that drew this request already, by the same draw as the monitor's."""
        return tuple(pin.rule for pin in self._pins if _pin_applies(pin, model, prediction_id))


def _pin_applies(pin: Pin, model: str, prediction_id: str) -> bool:
    return pin.model in ("*", model) and unit_interval(prediction_id, pin.rule) < pin.rate


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
