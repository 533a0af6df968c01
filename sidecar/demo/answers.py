"""What the demo's detector answers to scenes in several lights, as JSON lines: ``python -m sidecar.demo.answers --url U
--path P --pools FILE``; ``{version}`` stands in the path for the version that is asked."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import setproctitle

from sidecar.demo.digits import Pool, read_pools
from sidecar.demo.scenes import Kind, compose
from sidecar.demo.traffic import infer_request

LIGHTS = (1.0, 0.7, 0.4, 0.1)
SCENES = 20
"""Shown in each light to each version."""
VERSIONS = ("1", "2")
KINDS: Mapping[Kind, float] = {"ordinary": 0.8, "crowded": 0.1, "empty": 0.1}
"""Each with its share of the scenes."""
HEAD_BYTES = 2_048
"""What the sidecar keeps of a request, for the image's size."""
ANSWER_S_MAX = 30.0


async def answers(url: str, path: str, pool: Pool, seed: int) -> AsyncIterator[dict[str, Any]]:
    """An answer after the other: the scene's ``light``, the ``version``, both bodies in base64, and how long it took.
    Raises aiohttp.ClientError."""
    rng = np.random.default_rng(seed)
    kinds, shares = list(KINDS), list(KINDS.values())
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S_MAX)) as session:
        for light in LIGHTS:
            for _ in range(SCENES):
                kind = kinds[int(rng.choice(len(kinds), p=shares))]
                body, headers = infer_request(compose(rng, pool, light=light, kind=kind).jpeg())
                for version in VERSIONS:
                    begun = time.monotonic()
                    address = url.rstrip("/") + path.format(version=version)
                    async with session.post(address, data=body, headers=headers) as response:
                        response.raise_for_status()
                        answer = await response.read()
                    yield {
                        "version": version,
                        "light": light,
                        "upstream_ms": round((time.monotonic() - begun) * 1_000, 3),
                        "body": b64encode(answer).decode(),
                        "request_bytes": len(body),
                        "request_head": b64encode(body[:HEAD_BYTES]).decode(),
                        "request_headers": [[name.lower(), value] for name, value in headers.items()],
                    }


async def _print(options: argparse.Namespace) -> None:
    pool = read_pools(options.pools)["traffic"]
    async for answer in answers(options.url, options.path, pool, options.seed):
        print(json.dumps(answer))


def main() -> None:
    parser = argparse.ArgumentParser(description="What a detector answers to scenes in several lights.")
    parser.add_argument("--url", required=True, help="base URL of the detector")
    parser.add_argument("--path", required=True, help="of a request, with {version} in it")
    parser.add_argument("--pools", required=True, type=Path, help="the file that sidecar.demo.server wrote")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    setproctitle.setproctitle("sidecar: demo answers")
    asyncio.run(_print(options))


if __name__ == "__main__":
    main()
