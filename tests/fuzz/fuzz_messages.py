"""Searches by hand for messages that the proxy lets through and readers take differently, or that cuts change.

    python -m tests.fuzz.fuzz_messages --seconds 300 --seed 1
    python -m tests.fuzz.fuzz_messages --atheris -- -max_total_time=300 -max_len=256 -len_control=0

The first mutates at random and needs nothing else; the second is guided by what the proxy ran and needs atheris
(`pip install atheris`; PyPI has wheels of it for some Pythons only, e.g. 3.11 to 3.13 on Linux). What either finds is
printed as Python that gives the input again, and ends the run with status 1 (atheris: 77).
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

from tests.fuzz.differential import Disagreement, Passed, examine_request, examine_response
from tests.fuzz.mutation import REQUESTS, RESPONSES, Edit, mutate

EDITS_MAX = 5
POINTS_MAX = 4
Draw = Callable[[int], int]
"""A number from 0 to below its argument."""


def try_one(draw: Draw) -> tuple[str, Passed]:
    """One input, made of what ``draw`` gives. Raises Disagreement; its notes have the input."""
    of_requests = draw(3) > 0
    seeds = REQUESTS if of_requests else RESPONSES
    seed = seeds[draw(len(seeds))]
    edits: list[Edit] = [(draw(64), draw(4_096), draw(1_024)) for _ in range(draw(EDITS_MAX + 1))]
    points = [draw(4_096) for _ in range(draw(POINTS_MAX + 1))]
    raw = mutate(seed, edits, seeds)
    if of_requests:
        return "requests", _noting(f"examine_request({raw!r}, {points})", lambda: examine_request(raw, points))
    asked, closes = draw(5), draw(2) > 0
    call = f"examine_response({raw!r}, {points}, {asked}, {closes})"
    return "responses", _noting(call, lambda: examine_response(raw, points, asked, closes))


def _noting(call: str, examine: Callable[[], Passed]) -> Passed:
    try:
        return examine()
    except Exception as error:
        error.add_note(call)
        raise


def search(seconds: float, seed: int) -> int:
    """Random mutation for that long. Prints what was tried and each kind of finding once; gives their number."""
    source, counts, found = random.Random(seed), Counter[str](), set[str]()
    ends = monotonic() + seconds
    while monotonic() < ends:
        try:
            side, passed = try_one(source.randrange)
        except Exception as error:
            kind = f"{type(error).__name__}: {str(error)[:60]}"
            counts["found"] += 1
            if kind not in found:
                found.add(kind)
                print(f"{type(error).__name__}: {error}\n    {' '.join(error.__notes__)}", flush=True)
        else:
            counts[side] += 1
            counts[f"{side}: messages passed on"] += passed.messages
            counts[f"{side}: inputs with a refusal"] += passed.refused
    for name, number in sorted(counts.items()):
        print(f"{name}: {number}")
    return counts["found"]


def search_guided(arguments: list[str]) -> None:
    """The same by libFuzzer, to which the proxy's modules tell what they ran."""
    import atheris

    for function in _functions_of("sidecar.proxy."):
        atheris.instrument_func(function)

    def test_one_input(data: bytes) -> None:
        provider = atheris.FuzzedDataProvider(data)
        try:
            try_one(lambda below: provider.ConsumeIntInRange(0, below - 1))
        except Disagreement as error:
            print(*error.__notes__, flush=True)
            raise

    atheris.Setup([sys.argv[0], *arguments], test_one_input)
    atheris.Fuzz()


def _functions_of(package: str) -> Iterator[Any]:
    """The functions and methods that the loaded modules of ``package`` define."""
    for name, module in list(sys.modules.items()):
        if name.startswith(package):
            own = [value for value in vars(module).values() if getattr(value, "__module__", "") == name]
            members = [member for value in own if isinstance(value, type) for member in vars(value).values()]
            yield from (value for value in (*own, *members) if hasattr(value, "__code__"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--atheris", action="store_true", help="the arguments after -- are libFuzzer's")
    parser.add_argument("rest", nargs="*", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.atheris:
        search_guided(arguments.rest)
        return 0
    return 1 if search(arguments.seconds, arguments.seed) else 0


if __name__ == "__main__":
    sys.exit(main())
