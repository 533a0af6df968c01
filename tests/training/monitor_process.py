"""A process that runs one job and says its id once the command runs; the test kills it.

Arguments: the data folder, and a file the command waits for.
"""

import asyncio
import sys
from pathlib import Path

from sidecar.recording import Store
from tests.training.jobs_at_hand import Place, script


async def main(data_dir: Path, go: str) -> None:
    result = """{"metrics": {"map50": 0.5}}"""
    text = f"echo ready; while [ ! -e {go} ]; do sleep 0.02; done; echo '{result}' > $1/result.json; echo done"
    place = Place(data_dir, await Store.open(data_dir))
    async with place.training(script(text)) as live:
        job = await live.reaches(await live.create(), "running")
        await live.logs(job, "ready")
        print(job.job_id, flush=True)
        await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
