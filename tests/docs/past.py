"""A store with a past: what the examples' models have seen in the weeks before."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sidecar.recording import Store
from tests.watch.room import DAY_S, Past, prediction

DAYS = 60
MODELS = ("det", "digits")
SHARES = (0.5, 0.3, 0.1, 0.1)
"""How often a car, a person, a dog and a kite are seen."""
IMAGES_A_TURN = 5
TURNS_A_DAY = 8


async def fill(data_dir: Path, until: float) -> None:
    """``DAYS`` whole days of traffic of version 1 of each model, the last of them that before ``until``'s."""
    rng = np.random.default_rng(7)
    today = until // DAY_S * DAY_S
    store = await Store.open(data_dir)
    try:
        for model in MODELS:
            past = Past(store)
            for turn in range(DAYS * TURNS_A_DAY):
                at = today - DAYS * DAY_S + turn * DAY_S / TURNS_A_DAY
                for number in range(IMAGES_A_TURN):
                    seen = rng.choice(len(SHARES), 3, p=SHARES)
                    name = f"{model}-{at:.0f}-{number}"
                    past.add([prediction(at + number, number, seen, model=model, prediction_id=name, request_id=name)])
            await past.write()
    finally:
        await store.close()
