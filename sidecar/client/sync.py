"""The client for ordinary code."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, TypeVar

import httpx2

from sidecar.client import calls
from sidecar.client.calls import Call, Filter
from sidecar.client.errors import ConnectionFailed
from sidecar.client.results import Page, Record

T = TypeVar("T")


class Client:
    """A sidecar's API. ``base_url`` is its admin port; ``token`` its bearer token; ``timeout_s`` bounds every wait.

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
        self._http = httpx2.Client(base_url=base_url, headers=headers, timeout=timeout_s)
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
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = self._http.request(call.method, call.path, params=call.params, json=call.body)
            except httpx2.TransportError as error:
                delay_s = calls.retry_delay_s(call, attempt, None, None)
                if delay_s is None:
                    raise ConnectionFailed(f"{self._http.base_url}: {error or type(error).__name__}") from error
            else:
                if answer.is_success:
                    return call.read(answer.content)
                delay_s = calls.retry_delay_s(call, attempt, answer.status_code, answer.headers.get("Retry-After"))
                if delay_s is None:
                    raise calls.error_of(answer.status_code, answer.content)
            self._sleep(delay_s)

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

    def predictions(self, **filters: Filter) -> Iterator[Record]:
        """Predictions, newest first, over all pages. Filters: model, version, role, status, label, since, until;
        ``limit`` is the size of a page."""
        return self._pages(calls.predictions_page, filters)

    def get_prediction(self, prediction_id: str) -> Record:
        """One prediction with its ``detections``. Raises NotFound."""
        return self._run(calls.prediction(prediction_id))

    def summaries(self, **filters: Filter) -> Record:
        """Time series as ``points``. Filters: since, until, width_s (10, 60, 3600), model, version."""
        return self._run(calls.summaries(filters))

    def samples(self, **filters: Filter) -> Iterator[Record]:
        """Samples, newest first, over all pages. Filters: model, reason, status; ``limit`` is the size of a page."""
        return self._pages(calls.samples_page, filters)

    def get_sample(self, sample_id: str) -> Record:
        """One sample. Raises NotFound."""
        return self._run(calls.sample(sample_id))

    def sample_image(self, sample_id: str) -> bytes:
        """The image of a sample as it was kept. Raises NotFound."""
        return self._run(calls.sample_image(sample_id))

    def experiments(self) -> list[Record]:
        """The running experiments."""
        return self._run(calls.experiments())

    def set_experiment(self, name: str, *, control: str, treatment: str, split: float, **more: Any) -> Record:
        """Start or change an experiment; ``more``: unit, model, salt. Raises InvalidRequest naming what is wrong."""
        return self._run(
            calls.set_experiment(name, {"control": control, "treatment": treatment, "split": split, **more})
        )

    def stop_experiment(self, name: str) -> Record:
        """Stop an experiment; returns it as it was. Raises NotFound."""
        return self._run(calls.stop_experiment(name))
