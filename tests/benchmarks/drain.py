"""Whether a drain loses a request: SIGTERM after SIGTERM, each under load, and what became of every request.

    python tests/benchmarks/drain.py [--times 100] [--of sidecar|worker] [--tls]

``sidecar``: the whole sidecar is told to stop, and started again for the next time. ``worker``: one of its workers is
told to, and the supervisor starts another, while the sidecar stays. ``--tls``: the data port speaks HTTPS. Nothing is
needed but the project itself and, for ``--tls``, what its tests need.

Load: clients that keep their connections and ask at once again, after up to 20 ms, or after up to 3 s; some that send
their body in two parts; some that take a new connection for each request. The model server answers after up to 50 ms.
A request failed where it was sent on a connection that the proxy had accepted, or the kernel for it, and got no whole
right answer. Not failed are those that were refused (nothing was sent), and those that crossed with the end of a kept
connection: they got its clean end without a byte, and the model server must not have seen them. Both are told.
Ends with code 1 where one failed, came to the model server twice, or crossed and was seen there.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import ssl
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import proxy_processes
from tests.benchmarks.options import options_of
from tests.kit.sidecar import RunningSidecar, running_sidecar, wait_for
from tests.kit.steady_load import PER_CLIENT, Background, Habit, Load, Numbered, load, up_to

HABITS = [
    *[Habit()] * 4,
    *[Habit(up_to(0.02))] * 12,
    *[Habit(up_to(3.0))] * 32,
    *[Habit(up_to(0.02), body_bytes=200_000, part_s=0.05)] * 4,
    *[Habit(up_to(0.02), fresh=True)] * 8,
]
MODEL_S = 0.05
UNDER_LOAD_S = 1.0
"""So long, and up to half as long again, before each signal."""
BACK_S = 30.0
RUN = PER_CLIENT * len(HABITS)


def main() -> int:
    parser = options_of(__doc__)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--of", choices=("sidecar", "worker"), default="sidecar")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--tls", action="store_true", help="clients speak HTTPS")
    options = parser.parse_args()
    by = " by TLS" if options.tls else ""
    told_first = f"{options.times} SIGTERMs of a {options.of}, {len(HABITS)} clients{by}"
    print(f"{proxy_processes.machine()}\n{told_first}", flush=True)
    background = Background()
    server = Numbered(up_to(MODEL_S))
    background.run(server.start())
    try:
        with tempfile.TemporaryDirectory(prefix="drain-benchmark-") as folder:
            drains = whole if options.of == "sidecar" else workers
            return told(*drains(Path(folder), background, server, options), server)
    finally:
        background.run(server.stop())
        background.close()


Drained = tuple[list[Load], list[float]]
"""What was asked, and the seconds that each drain took."""


def behind_tls(folder: Path) -> tuple[ssl.SSLContext, dict[str, str]]:
    """What a client trusts, and the environment of a sidecar whose data port has such a certificate."""
    from tests.kit.certificates import Authority

    authority = Authority(folder / "certificates")
    files = authority.issue()
    environment = {
        "SIDECAR_LISTEN__TLS_CERT_FILE": files.cert_file,
        "SIDECAR_LISTEN__TLS_KEY_FILE": files.key_file,
    }
    return authority.client_context(), environment


def started(
    folder: Path, server: Numbered, options: argparse.Namespace, environment: dict[str, str]
) -> AbstractContextManager[RunningSidecar]:
    return running_sidecar(folder, ["--upstream", server.url, "--workers", str(options.workers)], **environment)


def whole(folder: Path, background: Background, server: Numbered, options: argparse.Namespace) -> Drained:
    asked, seconds = [], []
    tls, environment = behind_tls(folder) if options.tls else (None, {})
    for number in range(options.times):
        with (
            started(folder, server, options, environment) as sidecar,
            load(background, sidecar.port, HABITS, number * RUN, tls) as asking,
        ):
            time.sleep(UNDER_LOAD_S * random.uniform(1, 1.5))
            began = time.monotonic()
            if sidecar.stop() != 0:
                raise RuntimeError(f"it did not end well: {sidecar.log.read_text()[-2000:]}")
            seconds.append(time.monotonic() - began)
        asked.append(asking)
        progress(number, asked)
    return asked, seconds


def workers(folder: Path, background: Background, server: Numbered, options: argparse.Namespace) -> Drained:
    seconds = []
    tls, environment = behind_tls(folder) if options.tls else (None, {})
    with (
        started(folder, server, options, environment) as sidecar,
        load(background, sidecar.port, HABITS, tls=tls) as asking,
    ):
        for number in range(options.times):
            time.sleep(UNDER_LOAD_S * random.uniform(1, 1.5))
            seconds.append(replaced(sidecar))
            progress(number, [asking])
    return [asking], seconds


def replaced(sidecar: RunningSidecar) -> float:
    """Stops the first worker; the seconds until it has gone. Another is there then."""
    (pid,) = sidecar.pids("sidecar: worker 0")
    began = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: pid not in sidecar.pids("sidecar: worker 0"), BACK_S, "its end")
    took_s = time.monotonic() - began
    wait_for(lambda: sidecar.pids("sidecar: worker 0"), BACK_S, "its successor")
    return took_s


def progress(number: int, asked: list[Load]) -> None:
    failed = sum(sum(asking.failed.values()) for asking in asked)
    crossed = sum(asking.outcomes["crossed"] for asking in asked)
    print(f"\r{number + 1}: failed {failed}, crossed {crossed} ", end="", flush=True)


def told(asked: list[Load], seconds: list[float], server: Numbered) -> int:
    outcomes: Counter[str] = sum((asking.outcomes for asking in asked), Counter())
    connections: Counter[str] = sum((asking.connections for asking in asked), Counter())
    twice = sum(times > 1 for times in server.seen.values())
    processed = sum(server.seen[number] > 0 for asking in asked for number in asking.crossed)
    failed = sum(sum(asking.failed.values()) for asking in asked)
    print(f"\nrequests: {dict(outcomes)}\nconnections: {dict(connections)}")
    print(f"a drain took {statistics.median(seconds):.2f} s (median), {max(seconds):.2f} s at most")
    print(f"failed: {failed}; seen twice by the model server: {twice}; crossed and seen by it: {processed}")
    return 1 if failed or twice or processed else 0


if __name__ == "__main__":
    raise SystemExit(main())
