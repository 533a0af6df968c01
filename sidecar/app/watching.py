"""What watches, put together: baselines, the continuous monitor, alert rounds and the sending of notifications."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import Protocol

import structlog

from sidecar.alerts import JumpWatch, Notice, State
from sidecar.alerts.channels import Channels, NotifySettings, SmtpSettings, WebhookSettings, parse_address
from sidecar.alerts.delivery import Sender
from sidecar.api.watch import WatchFigures
from sidecar.app.config import Config, ModelConfig
from sidecar.app.watch_config import NotifyConfig
from sidecar.experiments.definition import Definition
from sidecar.experiments.lifecycle import Trial
from sidecar.recording import Alerts, Baselines, DriftChecks, Notifications, Reader, Store
from sidecar.watch import (
    Book,
    Checks,
    Clash,
    Drift,
    Faults,
    History,
    Ledger,
    Normal,
    Previews,
    Rounds,
    Scope,
    Seasons,
    StoredSummaries,
    pages_of,
)

log = structlog.get_logger()

NOTIFICATION_OUTCOMES = ("sent", "failed", "refused", "repeated", "gave_up", "reposted")
LOOKED_AT_MAX = 100
"""Waiting notifications that are looked at for what keeps them."""
STOPS = {"metric": "guardrail_stops", "operator": "gt", "threshold": 0, "window": "1h"}
CHECK_EVERY_S = 60.0
"""How often it is looked for windows that have ended; more often where windows are short."""


class Sources(Protocol):
    """What the sidecar knows of itself."""

    def lost(self) -> int:
        """What was not recorded since the start."""

    def waiting(self) -> int:
        """What waits to be sent now."""

    def answering(self) -> Collection[str]:
        """Models that have answered with images since the start: not every name that a client made up."""


class Watching:
    """The parts that watch, over an open store. Run each of ``parts()`` as a task after ``restore``. ``named`` gives
    every (model, version) that a person may name; None: those with traffic."""

    def __init__(
        self,
        config: Config,
        store: Store,
        reader: Reader,
        sources: Sources,
        clock: Callable[[], float] = time.time,
        stops: Callable[[str, float, float], Sequence[tuple[float, str]]] = lambda model, since, until: (),
        named: Callable[[], Awaitable[Collection[tuple[str, str]]]] | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._sources = sources
        self._defaults_given: set[str] = set()
        self._closing: asyncio.Task[None] | None = None
        self._waiting = 0
        self._failing: dict[str, str] = {}
        self.history = History(reader, lambda: clock() - self._config.retention.age_days * 86_400, named)
        self.drift_checks = DriftChecks(store)
        self.alerts = Alerts(store)
        self.notifications = Notifications(store)
        self.normal = Normal(self.history, Baselines(store), self._is_independent, clock)
        self.drift = Drift(self.history, self.normal, self._is_independent, clock)
        self.checks = Checks(self.history, self.normal, self.drift_checks, self._is_independent, clock)
        self.channels = Channels(notify_settings(config.notify))
        self._store = store
        self._generation = store.generation
        self.book = Book(
            self.alerts, self, clock, lambda: self._config.notify.link, generation=lambda: store.generation
        )
        self.sender = Sender(self.notifications, self.channels, firing=self._firing)
        load = pages_of(reader)
        self.previews = Previews(
            self.history, self.normal, StoredSummaries(reader), clock, lambda: self._config.alerts.interval
        )
        self.rounds = Rounds(
            self.book,
            Ledger(load),
            self.normal,
            Seasons(load),
            self.checks.latest,
            sources.lost,
            sources.waiting,
            wake=self.wake,
            interval_s=config.alerts.interval,
            clock=clock,
            stops=stops,
        )

    async def restore(self) -> None:
        """Take up what a former life left."""
        await self.book.restore()
        await self.checks.restore()

    def parts(self) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
        """What has to run, by name; none of them ends by itself."""
        return (("alerts", self._evaluate), ("drift", self._check), ("notifications", self.sender.run))

    def configure(self, config: Config) -> None:
        """A new configuration, already checked. Channels follow it at once."""
        if config.notify != self._config.notify:
            old, self.channels = self.channels, Channels(notify_settings(config.notify))
            self.sender.configure(self.channels)
            self._closing = asyncio.get_running_loop().create_task(old.close())
        self._config = config

    async def close(self) -> None:
        await self.channels.close()

    def wake(self) -> None:
        """There may be something to send."""
        self.sender.wake()

    def fault(self, channel: str) -> str:
        """Why ``channel`` is none; empty where it is one."""
        try:
            parse_address(channel)
        except ValueError as error:
            return str(error)
        return ""

    def canonical(self, channel: str) -> str:
        """The one way of writing a channel."""
        return str(parse_address(channel))

    def warning(self, channel: str) -> str:
        """What a channel still needs; empty where nothing."""
        return self.channels.warning(channel)

    async def tell_of_stops(self, trial: Trial) -> None:
        """An alert that tells the channels of an A/B test when a guardrail stops a version of its model."""
        definition = trial.definition
        assert isinstance(definition, Definition)
        name = f"Guardrail stop: {trial.trial_id}"
        try:
            scope = Scope("" if definition.model == "*" else definition.model)
            await self.book.create(scope, name, STOPS, definition.notify)
        except (Clash, Faults) as fault:
            log.warning("alert_not_made", name=name, reason=str(fault))

    def figures(self) -> WatchFigures:
        """For /metrics and the status page."""
        enabled = [entry for entry in self.book.all() if entry.row.enabled]
        stats, rounds = self.sender.stats, self.rounds.figures
        return {
            "alerts": Counter({str(state): 0 for state in State})
            + Counter(str(entry.state.state) for entry in enabled),
            "alert_states": [
                (entry.row.alert_id, entry.row.name, entry.scope.model_id, str(entry.state.state)) for entry in enabled
            ],
            "notifications": {
                (kind, outcome): count
                for outcome in NOTIFICATION_OUTCOMES
                for kind, count in getattr(stats, outcome).items()
            },
            "notifications_waiting": self._waiting,
            "failing_channels": self._failing,
            "drift_scores": self.checks.scores(),
            "drift_found": self.checks.found(),
            "rounds": rounds.rounds,
            "round_seconds": rounds.seconds,
            "rounds_skipped": dict(rounds.skipped),
            "checks": self.checks.figures.checks,
        }

    async def _evaluate(self) -> None:
        while True:
            started = time.monotonic()
            if self._store.generation != self._generation:
                await self._begin_anew()
            await self._give_defaults()
            await self.rounds.round()
            await self._look_at_notifications()
            await asyncio.sleep(max(0.1, self._config.alerts.interval - (time.monotonic() - started)))

    async def _begin_anew(self) -> None:
        """A damaged store was set aside: what is in memory goes into the fresh one, the rest is learnt again."""
        generation = self._store.generation
        await self.book.reinstate()
        self.checks.forget()
        self.normal.forget()
        self._defaults_given.clear()
        self._generation = generation

    async def _look_at_notifications(self) -> None:
        self._waiting = await self.notifications.waiting()
        waiting = await self.notifications.open(LOOKED_AT_MAX) if self._waiting else []
        alerts = {entry.row.alert_id for entry in self.book.all()}  # what is left of a deleted one is no fault any more
        failing = [row for row in waiting if row.error and row.alert_id in alerts]
        # of a URL only the host: its path may be a secret
        self._failing = {parse_address(row.channel).shown: row.error for row in failing}

    async def _give_defaults(self) -> None:
        alerts = self._config.alerts
        if not alerts.defaults:
            return
        models = set(self._sources.answering()) - self._defaults_given
        if models or not self._defaults_given:
            await self.rounds.give_defaults(
                sorted(models),
                alerts.default_window,
                alerts.default_for,
                alerts.default_notify,
                self.alerts,
            )
            self._defaults_given |= {"", *models}
        await self._follow_default_notify()

    async def _follow_default_notify(self) -> None:
        """Default alerts that nobody has edited go where the configuration says now."""
        notify = tuple(map(self.canonical, self._config.alerts.default_notify))
        for entry in self.book.all():
            untouched = entry.row.origin == "default" and entry.row.updated_at == entry.row.created_at
            if untouched and entry.row.notify != notify:
                await self.book.update(entry.row.alert_id, notify=notify, is_edit=False)

    async def _check(self) -> None:
        clocks = JumpWatch()
        while True:
            settings = self._config.drift
            tick = clocks.observe(self._clock(), time.monotonic())
            clocks.consumed()
            if tick.trusts(min(settings.window, settings.baseline_period)):
                if settings.baseline == "auto":
                    await self.normal.freeze_due(settings.baseline_period)
                await self.checks.run_due(settings.window, bool(self._config.slice_by))
            await asyncio.sleep(min(CHECK_EVERY_S, max(1.0, min(settings.window, settings.baseline_period) / 10)))

    def _is_independent(self, model: str) -> bool:
        models = {item.name: item for item in self._config.models}
        return models.get(model, models.get("*", ModelConfig())).independent_images

    def _firing(self) -> list[tuple[str, Notice]]:
        """Every channel of every alert that was told and not ended, silenced or not: a receiver that has to be told
        again would take silence for the end."""
        return [
            (channel, self.book.notice(entry, "firing"))
            for entry in self.book.all()
            if entry.state.told
            for channel in entry.row.notify
        ]


def notify_settings(config: NotifyConfig) -> NotifySettings:
    """The channels as plain values, with the secrets that their files hold."""
    smtp = config.smtp
    secrets = {item.name: _secret(item.secret_file) for item in config.webhooks}
    return NotifySettings(
        smtp=None
        if smtp is None
        else SmtpSettings(
            host=smtp.host,
            port=smtp.port,
            sender=smtp.sender,
            username=smtp.username,
            password=_secret(smtp.password_file),
            tls=smtp.tls,
            ca_file=str(smtp.ca_file or ""),
        ),
        slack=dict(config.slack),
        # one whose secret is gone is left out: what it is sent must not go unsigned
        webhooks={
            item.name: WebhookSettings(item.url, secrets[item.name])
            for item in config.webhooks
            if item.secret_file is None or secrets[item.name]
        },
        alertmanagers={item.name: item.url for item in config.alertmanagers},
        apprise=dict(config.apprise),
        allowed_hosts=config.allowed_hosts,
        link=config.link,
    )


def _secret(file: Path | None) -> str:
    """What a file holds. One that can't be read is said and means none: the configuration check has refused it."""
    if file is None:
        return ""
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        log.error("secret_not_read", file=str(file), error=str(error))
        return ""
