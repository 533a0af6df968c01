"""The arithmetic of tests/benchmarks: what is told of a run must be right, whoever it speaks for."""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from tests.benchmarks import proxy_recorded, proxy_report
from tests.benchmarks.measure import Taken
from tests.benchmarks.proxy_figures import (
    DIRECT,
    ENVOY,
    HAPROXY,
    NAIVE,
    NGINX,
    P50_MS,
    SIDECAR,
    TARGETS,
    WORKER_US,
    Key,
    Sheet,
    judged,
    per_request_us,
    quantile,
    spread,
    targets_table,
)
from tests.benchmarks.proxy_open_loop import Generator, post_of
from tests.benchmarks.proxy_processes import Usage, usage
from tests.benchmarks.proxy_stub import Connection, content_length, reply, reply_body

STALL_S = 0.05


def sheet_of(**rounds: list[float]) -> Sheet:
    sheet = Sheet()
    for peer, values in rounds.items():
        for value in values:
            sheet.add({"direct": DIRECT, "nginx": NGINX, "sidecar": SIDECAR}[peer], Key(P50_MS, "100 KB"), value)
    return sheet


@pytest.mark.parametrize("q", [0.0, 0.5, 0.99, 1.0])
def test_quantile_of_a_sample_is_numpys(q: float) -> None:
    """Percentiles interpolate between neighbours, in whatever order the sample came."""
    sample = list(np.random.default_rng(1).exponential(3.0, 1_001))
    assert quantile(sample, q) == pytest.approx(float(np.quantile(sample, q)))


def test_quantile_of_nothing_is_no_number() -> None:
    """A run in which nothing was answered has no latency, not one of 0."""
    assert math.isnan(quantile([], 0.5))


def test_ratio_is_the_median_of_each_rounds_own_ratio() -> None:
    """A moment that slows both sides of one round alike changes no ratio; the ratio of medians it would."""
    assert spread([1.0, 20.0, 3.0], [2.0, 10.0, 4.0]) == (0.75, 0.5, 2.0)


def test_ratio_of_unlike_numbers_of_rounds_is_refused() -> None:
    """A round that one side lacks pairs with nothing."""
    with pytest.raises(ValueError, match="argument"):
        spread([1.0], [1.0, 2.0])


def test_added_latency_is_above_direct_in_the_same_round() -> None:
    """What the machine did to a round is taken off that round alone."""
    sheet = sheet_of(direct=[1.0, 5.0], nginx=[2.0, 7.0], sidecar=[1.5, 6.0])
    target = next(one for one in TARGETS if one.key == Key(P50_MS, "100 KB"))
    assert sheet.added(NGINX, target.key) == [1.0, 2.0]
    assert sheet.ratio(target, NGINX) == (0.5, 0.5, 0.5)
    assert "(<= 1.05: met)" in judged(sheet, target, NGINX)
    assert judged(sheet, target, ENVOY) == "not measured"


def test_added_latency_lost_in_noise_has_no_ratio() -> None:
    """A peer that was faster than direct in a round proves nothing about anyone."""
    sheet = sheet_of(direct=[1.0, 5.0], nginx=[2.0, 4.9], sidecar=[1.5, 6.0])
    target = next(one for one in TARGETS if one.key == Key(P50_MS, "100 KB"))
    assert judged(sheet, target, NGINX) == "lost in noise (<= 1.05)"


def test_targets_are_met_on_the_right_side_of_their_limit() -> None:
    """Processor time must not be above its limit, requests/s not below."""
    cpu = next(one for one in TARGETS if one.key == Key(WORKER_US, "1 KB", 32))
    rate = next(one for one in TARGETS if one.at_least)
    assert (cpu.met_by(1.2, 1.2), cpu.met_by(1.21, 1.2)) == (True, False)
    assert (rate.met_by(1.2, 1.2), rate.met_by(1.19, 1.2)) == (True, False)
    peers = len((NGINX, HAPROXY, ENVOY, NAIVE))
    assert targets_table(Sheet()).count("not measured") == peers * len(TARGETS)


def test_peer_without_a_target_is_told_all_the_same() -> None:
    """Nobody promised anything against HAProxy."""
    sheet, target = Sheet(), TARGETS[0]
    sheet.add(SIDECAR, target.key, 30.0)
    sheet.add(HAPROXY, target.key, 20.0)
    assert judged(sheet, target, HAPROXY) == "1.50 [1.50-1.50]"


def test_processor_time_is_told_in_microseconds_for_each_request() -> None:
    """Seconds over requests; of no request there is no division by zero."""
    assert per_request_us(0.5, 10_000) == pytest.approx(50.0)
    assert per_request_us(0.5, 0) == pytest.approx(500_000.0)


def test_usage_of_a_core_leaves_out_what_its_host_took() -> None:
    """Of 100 ticks 20 idle and 30 stolen: half the time it worked."""
    found = usage({0: (1_000, 500, 10)}, {0: (1_100, 520, 40)})
    assert (found[0].busy, found[0].stolen) == pytest.approx((0.5, 0.3))


def test_line_of_a_machine_that_was_not_quiet_says_so() -> None:
    """Cores were busier than the benchmark's own processes account for: somebody else worked."""
    cores = {0: Usage(0.5, 0.0), 1: Usage(0.9, 0.0)}
    disturbed, quiet = ([Taken(1, 0, 1.0, 1.0, 1.0, {}, {"load": 0.45, "nginx": share}, cores)] for share in (0.4, 0.9))
    assert "NOT THE BENCHMARK'S 0.55" in proxy_report.bottleneck(disturbed)
    assert "NOT THE BENCHMARK'S" not in proxy_report.bottleneck(quiet)


def test_bottleneck_names_the_core_that_was_full() -> None:
    """The reader learns whether the proxy or the load was at its end."""

    def taken(load: float, proxy: float) -> list[Taken]:
        cores = {0: Usage(load, 0.0), 1: Usage(proxy, 0.0)}
        return [Taken(1, 0, 1.0, 1.0, 1.0, {}, {"stub": 0.5}, cores)]

    assert proxy_report.bottleneck(taken(0.6, 0.99)).startswith("proxy core (")
    assert proxy_report.bottleneck(taken(0.99, 0.6)).startswith("load core (")
    assert proxy_report.bottleneck(taken(0.5, 0.5)).startswith("no core was full (")


@pytest.mark.parametrize(
    ("relayed", "recorded", "where", "faults"),
    [
        (105, 105, "", 0),
        (99, 99, "", 1),
        (111, 111, "", 1),
        (105, 104, "", 1),
        (105, 105, "tap", 1),
        (105, 105, "sample_x", 0),
    ],
)
def test_run_is_valid_only_where_everything_was_recorded(relayed: int, recorded: int, where: str, faults: int) -> None:
    """100 answers and up to 10 cut off: as many are relayed, and all of those are in the store."""
    dropped = [{"stage": where, "reason": "overflow", "count": 1}] if where else []
    told = {"requests": relayed, "store": {"predictions_written": recorded}, "dropped": dropped}
    assert len(proxy_recorded.faults(told, 100, 10)) == faults


def test_stub_answers_requests_in_any_cut() -> None:
    """Two requests, one with a body, cut anywhere, get two answers; the body is not taken for a request."""
    body, other_length = b"POST / HTTP/1.1\r\n\r\n" * 3, "Inference-Header-Content-Length: 3"
    message = post_of("/v2/models/stub/infer", body, other_length) + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    for cut in range(1, len(message)):
        own, other = socket.socketpair()
        with own, other:
            connection = Connection(other, b"answer")
            own.sendall(message[:cut])
            assert connection.readable()
            own.sendall(message[cut:])
            other.setblocking(False)
            while not other_is_empty(other):
                assert connection.readable()
            assert own.recv(100) == b"answer" * 2


def other_is_empty(sock: socket.socket) -> bool:
    try:
        return not sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True


def test_stub_answers_what_the_issue_asks_for() -> None:
    """About 2.7 KB, told by Content-Length, and one answer for each version."""
    assert 2_600 < len(reply_body(1)) < 2_800
    head, _, body = reply(2).partition(b"\r\n\r\n")
    assert (content_length(head), body) == (len(body), reply_body(2))


@contextmanager
def stalling_server() -> Iterator[int]:
    """Answers on one connection, the first request after STALL_S."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            sock, _ = listener.accept()
            with sock:
                wait_s = STALL_S
                while sock.recv(1_000):
                    time.sleep(wait_s)
                    wait_s = 0.0
                    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_open_loop_charges_a_stall_to_all_that_were_due_meanwhile() -> None:
    """Requests run from when they were due, so one stall is in the latency of each that had to wait for it."""
    per_second, count = 1_000.0, 20
    with stalling_server() as port:
        found = Generator(port, post_of("/", b""), per_second, count, connections=(1, 1)).run()
    counted = count - count // 10
    assert (found.asked, found.failed, len(found.latencies_ms)) == (count, 0, counted)
    for number, latency_ms in enumerate(found.latencies_ms, count - counted):
        assert latency_ms >= STALL_S * 1e3 - number / per_second * 1e3 - 0.001


def test_open_loop_counts_what_is_not_answered_200() -> None:
    """A refusal is a failure, never a quick answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(2):
                sock, _ = listener.accept()
                with sock:
                    sock.recv(1_000)
                    sock.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        found = Generator(listener.getsockname()[1], post_of("/", b""), 1_000.0, 2, connections=(1, 1)).run()
        thread.join()
    assert (found.failed, found.latencies_ms) == (2, [])
