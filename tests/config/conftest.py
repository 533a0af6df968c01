"""The application of tests/api, to hold configuration for other programs against."""

from tests.api.conftest import http, loop, reader, serve, services, store, trials, watch

__all__ = ["http", "loop", "reader", "serve", "services", "store", "trials", "watch"]
