"""A process that sends what waits in a store and dies at a chosen point: ``crashing_sender.py FOLDER WEBHOOK POINT``.

POINT is ``started`` (after the attempt is committed, before the message goes out), ``sent`` (after the receiver took
it, before that is recorded) or ``never``: then it ends once nothing waits.
"""

import asyncio
import os
import sys
from pathlib import Path

from sidecar.alerts.channels import Channels, NotifySettings, WebhookSettings
from sidecar.alerts.delivery import Sender
from sidecar.recording.notifications import Notifications
from sidecar.recording.writer import Store

CRASHED = 70


class Crashing(Notifications):
    """Dies like a killed process: nothing is flushed, closed or rolled back."""

    point = "never"

    async def started(self, notification_id: int, at: float) -> None:
        await super().started(notification_id, at)
        if self.point == "started":
            os._exit(CRASHED)

    async def sent(self, notification_id: int, at: float) -> None:
        if self.point == "sent":
            os._exit(CRASHED)
        await super().sent(notification_id, at)


async def main(folder: str, webhook: str, point: str) -> None:
    store = await Store.open(Path(folder))
    notifications = Crashing(store)
    notifications.point = point
    settings = NotifySettings(
        webhooks={"ops": WebhookSettings(webhook, "a secret of 24 bytes and more")}, allowed_hosts=("127.0.0.1",)
    )
    sender = Sender(notifications, Channels(settings))
    running = asyncio.create_task(sender.run())
    while (await notifications.counts())["waiting"]:  # noqa: ASYNC110 - the store has no event to tell of it
        await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    print(sender.stats.repeated["webhook"])
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
