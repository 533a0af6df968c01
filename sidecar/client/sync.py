"""The client for ordinary code."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import Any, Literal, TypeVar

import httpx2

from sidecar.client import calls, calls_watch
from sidecar.client.calls import Call, Filter
from sidecar.client.calls_datasets import check_zip
from sidecar.client.calls_watch import Length, Moment
from sidecar.client.errors import ConnectionFailed
from sidecar.client.results import Page, Record
from sidecar.client.saving import Saving
from sidecar.client.sync_datasets import DatasetMethods
from sidecar.client.sync_feedback import FeedbackMethods
from sidecar.client.sync_training import TrainingMethods
from sidecar.client.sync_trials import TrialMethods

T = TypeVar("T")


class Client(FeedbackMethods, DatasetMethods, TrainingMethods, TrialMethods):
    """A sidecar's API. ``base_url`` is its admin port; ``token`` its bearer token; ``timeout_s`` bounds every wait, but
    comparisons, freezes and tests of channels may take longer (docs/api.md).

    Use it in a ``with`` or call ``close``. Every method raises SidecarError.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:8081",
        token: str | None = None,
        timeout_s: float = 10,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        try:
            self._http = httpx2.Client(base_url=base_url, headers=headers, timeout=timeout_s)
        except httpx2.InvalidURL as error:
            raise ConnectionFailed(f"{base_url}: {error}") from error
        self._timeout_s = timeout_s
        self._sleep = sleep

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _run(self, call: Call[T]) -> T:
        attempt, content = 0, call.content
        while True:
            attempt += 1
            try:
                answer = self._http.request(
                    call.method,
                    call.path,
                    params=call.params,
                    content=content,
                    headers=call.headers,
                    timeout=max(self._timeout_s, call.timeout_s),
                )
            except httpx2.TransportError as error:
                timed_out = isinstance(error, httpx2.TimeoutException)
                delay_s = calls.retry_delay_s(call, attempt, None, None, timed_out=timed_out)
                if delay_s is None:
                    raise ConnectionFailed(f"{self._http.base_url}: {error or type(error).__name__}") from error
            else:
                if answer.is_success:
                    return call.read(answer.content)
                delay_s = calls.retry_delay_s(call, attempt, answer.status_code, answer.headers.get("Retry-After"))
                if delay_s is None:
                    raise calls.error_of(answer.status_code, answer.content)
            self._sleep(delay_s)

    def _save(self, call: Call[bytes], path: str | PathLike[str]) -> None:
        attempt = 0
        with Saving(path) as saving:
            while True:
                attempt += 1
                try:
                    with self._http.stream(
                        call.method, call.path, params=call.params, timeout=max(self._timeout_s, call.timeout_s)
                    ) as answer:
                        if answer.is_success:
                            check_zip(answer.headers.get("Content-Type"))
                            for chunk in answer.iter_bytes():
                                saving.write(chunk)
                            return
                        status, content = answer.status_code, answer.read()
                        retry_after = answer.headers.get("Retry-After")
                except httpx2.TransportError as error:
                    timed_out = isinstance(error, httpx2.TimeoutException)
                    delay_s = calls.retry_delay_s(call, attempt, None, None, timed_out=timed_out)
                    if delay_s is None:
                        raise ConnectionFailed(f"{self._http.base_url}: {error or type(error).__name__}") from error
                else:
                    delay_s = calls.retry_delay_s(call, attempt, status, retry_after)
                    if delay_s is None:
                        raise calls.error_of(status, content)
                saving.restart()
                self._sleep(delay_s)

    def _wait(self, seconds: float) -> None:
        self._sleep(seconds)

    def _pages(self, page: Callable[[dict[str, Filter]], Call[Page]], filters: dict[str, Filter]) -> Iterator[Record]:
        while True:
            found = self._run(page(filters))
            yield from found.items
            if found.next is None:
                return
            filters = {**filters, "cursor": found.next}

    def status(self) -> Record:
        """How the sidecar is: ok, faults, workers, store, outbox, dropped."""
        return self._run(calls.status())

    def models(self) -> Record:
        """``figures`` of every model version since the start, and what is ``recorded``."""
        return self._run(calls.models())

    def settings(self) -> Record:
        """The effective configuration, secrets hidden."""
        return self._run(calls.settings())

    def predictions(
        self,
        model: str | None = None,
        version: str | None = None,
        role: str | None = None,
        status: str | int | None = None,
        label: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        **page: Filter,
    ) -> Iterator[Record]:
        """Predictions, newest first, over all pages, that all filters hold for; ``limit`` is the size of a page."""
        filters = {
            "model": model,
            "version": version,
            "role": role,
            "status": status,
            "label": label,
            "since": since,
            "until": until,
        }
        return self._pages(calls.predictions_page, {**filters, **page})

    def get_prediction(self, prediction_id: str) -> Record:
        """One prediction with its ``detections``. Raises NotFound."""
        return self._run(calls.prediction(prediction_id))

    def summaries(
        self,
        since: Moment | None = None,
        until: Moment | None = None,
        width_s: int | None = None,
        model: str | None = None,
        version: str | None = None,
    ) -> Record:
        """Time series as ``points``; ``width_s`` is 10, 60, 3600 or 86400."""
        filters: dict[str, Filter] = {
            "since": since,
            "until": until,
            "width_s": width_s,
            "model": model,
            "version": version,
        }
        return self._run(calls.summaries(filters))

    def samples(
        self, model: str | None = None, reason: str | None = None, status: str | None = None, **page: Filter
    ) -> Iterator[Record]:
        """Samples, newest first, over all pages, that all filters hold for; ``limit`` is the size of a page."""
        return self._pages(calls.samples_page, {"model": model, "reason": reason, "status": status, **page})

    def get_sample(self, sample_id: str) -> Record:
        """One sample. Raises NotFound."""
        return self._run(calls.sample(sample_id))

    def sample_image(self, sample_id: str) -> bytes:
        """The image of a sample as it was kept. Raises NotFound."""
        return self._run(calls.sample_image(sample_id))

    def set_baseline(self, model_id: str, period: str, name: str = "default", replace: bool = False) -> Record:
        """Freeze ``period`` (as in ``check_drift``) as what is normal for a model version.

        Raises InvalidRequest (status 409) where it has a baseline of that name and ``replace`` is false.
        """
        return self._run(calls_watch.set_baseline(model_id, period, name, replace))

    def baselines(self, model_id: str | None = None) -> list[Record]:
        """Baselines with their ``figures``, of one model or of all."""
        return self._run(calls_watch.baselines(model_id))

    def get_baseline(self, baseline_id: str) -> Record:
        """One baseline. Raises NotFound."""
        return self._run(calls_watch.baseline(baseline_id))

    def export_baseline(self, baseline_id: str) -> Record:
        """A baseline with its ``blocks``, each a summary of what was seen. Raises NotFound."""
        return self._run(calls_watch.export_baseline(baseline_id))

    def delete_baseline(self, baseline_id: str) -> Record:
        """Delete a baseline; returns it as it was. Raises NotFound."""
        return self._run(calls_watch.delete_baseline(baseline_id))

    def check_drift(
        self,
        model_id: str,
        reference_period: str,
        current_period: str,
        slice: str | None = None,
        by_slice: bool = False,
        source: Literal["auto", "summaries", "predictions"] = "auto",
        distributions: bool = False,
    ) -> Record:
        """Compare two periods of a model: scores, ``significant_drift``, ``affected_classes``, ``sentence``.

        A period is ``2024-01-01:2024-01-31`` (days in UTC, both included), two date-times with offsets, ``7d`` (the
        last seven days) or a baseline's name. The five ``..._drift`` are NaN where there is no data. Raises
        InvalidRequest where a period holds no predictions.
        """
        question: dict[str, Filter] = {
            "model_id": model_id,
            "reference_period": reference_period,
            "current_period": current_period,
            "slice": slice,
            "by_slice": by_slice,
            "source": source,
            "distributions": distributions,
        }
        return self._run(calls_watch.check_drift(question))

    def drift_checks(self, model_id: str | None = None, slice: str | None = None, **page: Filter) -> Iterator[Record]:
        """What the continuous monitor found, newest first, over all pages; each has its ``report``. ``slice`` empty:
        of all traffic; None: of every slice too. ``limit`` is the size of a page."""
        return self._pages(calls_watch.drift_checks_page, {"model_id": model_id, "slice": slice, **page})

    def create_alert(
        self,
        model_id: str,
        name: str,
        condition: Mapping[str, Any],
        notify: Sequence[str] | str | None = None,
        slice: str = "",
        enabled: bool = True,
    ) -> Record:
        """Create an alert. ``condition``: metric, operator, threshold, window, and more (docs/alerts.md).

        ``notify`` are channels such as ``email:team@company.com``; one that is not configured is accepted, and
        ``delivery`` of the result warns of it. Raises InvalidRequest naming what is wrong.
        """
        return self._run(calls_watch.create_alert(model_id, name, condition, notify, slice, enabled))

    def alerts(self, model_id: str | None = None, state: str | None = None) -> list[Record]:
        """Alerts and how they stand, of one model or all, in one state or any."""
        return self._run(calls_watch.alerts(model_id, state))

    def get_alert(self, alert_id: str) -> Record:
        """One alert. Raises NotFound."""
        return self._run(calls_watch.alert(alert_id))

    def update_alert(
        self,
        alert_id: str,
        name: str | None = None,
        condition: Mapping[str, Any] | None = None,
        notify: Sequence[str] | str | None = None,
        enabled: bool | None = None,
    ) -> Record:
        """Change what is not None of an alert. Raises NotFound, InvalidRequest."""
        changes = {"name": name, "condition": condition, "notify": notify, "enabled": enabled}
        return self._run(calls_watch.update_alert(alert_id, changes))

    def delete_alert(self, alert_id: str) -> Record:
        """Delete an alert; returns it as it was. Raises NotFound."""
        return self._run(calls_watch.delete_alert(alert_id))

    def acknowledge_alert(self, alert_id: str, by: str) -> Record:
        """Take note of a firing alert: it is not repeated until it fires again. Raises NotFound, InvalidRequest."""
        return self._run(calls_watch.acknowledge_alert(alert_id, by))

    def silence_alert(
        self, alert_id: str, until: Moment | None = None, for_: Length | None = None, by: str = ""
    ) -> Record:
        """Send no notices ``until`` a time or ``for_`` some time (``"2h"``, a timedelta). Raises NotFound."""
        return self._run(calls_watch.silence_alert(alert_id, until, for_, by))

    def end_silence(self, alert_id: str, by: str = "") -> Record:
        """Send notices of an alert again. Raises NotFound."""
        return self._run(calls_watch.end_silence(alert_id, by))

    def test_alert(self, alert_id: str) -> list[Record]:
        """Send a test notice to every channel of an alert; ``channel``, ``ok`` and ``error`` of each."""
        return self._run(calls_watch.test_alert(alert_id))

    def alert_transitions(
        self, alert_id: str | None = None, model_id: str | None = None, **page: Filter
    ) -> Iterator[Record]:
        """Changes of alerts' states, newest first, over all pages; ``limit`` is the size of a page."""
        return self._pages(calls_watch.alert_transitions_page, {"alert_id": alert_id, "model_id": model_id, **page})

    def alert_notifications(self, alert_id: str) -> list[Record]:
        """The latest notifications of an alert, newest first: sent, waiting or given up. Raises NotFound."""
        return self._run(calls_watch.alert_notifications(alert_id))

    def alert_metrics(self) -> list[Record]:
        """What a condition may watch."""
        return self._run(calls_watch.alert_metrics())
