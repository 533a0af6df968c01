"""How exchanges become predictions under a configuration: operating points and dialect settings per model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import structlog

from sidecar.app.config import Config, ModelConfig
from sidecar.dialects import DialectSettings, decode_all
from sidecar.monitor.predictions import is_answer, predictions_of
from sidecar.types import Exchange, Prediction

log = structlog.get_logger()

SETTINGS_KEPT_MAX = 1_000
"""Resolved (model, variant, dialect) settings kept; over it they are resolved anew."""


class Reading:
    """Reads exchanges. ``configure`` changes how from the next one on."""

    def __init__(self, config: Config) -> None:
        self.configure(config)

    def configure(self, config: Config) -> None:
        self._models = {model.name: model for model in config.models}
        self._any = self._models.get("*", ModelConfig())
        self._thresholds = {item.name: item.score_threshold for item in config.upstreams}
        # the word of a route that a person wrote is binding; that of a known server's path is a first guess
        self._named = {route.dialect for route in config.routes}
        self._names = {model.name: _class_names(model) for model in (*config.models, self._any)}
        self._resolved: dict[tuple[str, str, str], tuple[DialectSettings, float]] = {}

    def predictions_of(self, exchange: Exchange) -> list[Prediction]:
        """Of one exchange."""
        return self.predictions_of_all([exchange])[0]

    def predictions_of_all(self, exchanges: Sequence[Exchange]) -> list[list[Prediction]]:
        """Of each exchange its predictions, in less time than one by one."""
        settings = [self._settings(exchange.model, exchange.variant, exchange.dialect) for exchange in exchanges]
        answered = [is_answer(exchange) for exchange in exchanges]
        asked = zip(exchanges, settings, answered, strict=True)
        outcomes = iter(decode_all([(seen, own) for seen, (own, _), has_answer in asked if has_answer]))
        return [
            predictions_of(seen, next(outcomes) if has_answer else None, score_threshold)
            for seen, (_, score_threshold), has_answer in zip(exchanges, settings, answered, strict=True)
        ]

    def _settings(self, model: str, variant: str, dialect: str) -> tuple[DialectSettings, float]:
        key = (model, variant, dialect)
        if key not in self._resolved:
            if len(self._resolved) >= SETTINGS_KEPT_MAX:
                self._resolved.clear()
            options = self._models.get(model, self._any)
            threshold = self._thresholds.get(variant)
            self._resolved[key] = (
                DialectSettings(
                    dialect=dialect if dialect in self._named else "auto",
                    class_names=self._names[options.name],
                    outputs={role: name for role, name in options.outputs.items()},  # noqa: C416 - widens the keys' type
                    box_format=options.box_format,
                    normalised=options.normalised,
                ),
                options.score_threshold if threshold is None else threshold,
            )
        return self._resolved[key]


def _class_names(model: ModelConfig) -> tuple[str, ...]:
    if model.class_names or model.class_names_file is None:
        return model.class_names
    return read_class_names(model.class_names_file)


def read_class_names(file: Path) -> tuple[str, ...]:
    """A class name a line. An unreadable file is said and means no names: the configuration check has refused it."""
    try:
        return tuple(line.strip() for line in file.read_text("utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        log.error("class_names_not_read", file=str(file), error=str(error))
        return ()
