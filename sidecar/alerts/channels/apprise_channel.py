"""A hundred further services by apprise (https://github.com/caronc/apprise), which is installed as an extra."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec

from sidecar.alerts.channels.address import redacted
from sidecar.alerts.channels.channel import SendError
from sidecar.alerts.channels.settings import NotifySettings
from sidecar.alerts.channels.targets import Guard
from sidecar.alerts.channels.wording import lines_of, plain
from sidecar.alerts.notice import Notice

TIMEOUT_S = 30.0
THREADS_MAX = 4
MISSING = "apprise is not installed: pip install 'inference-sidecar[notify]'"


class AppriseChannel:
    """Sends by the apprise URL of a name, in threads of its own, because apprise blocks.

    Its URLs come from the operator's configuration file alone, so they are not guarded like those of a webhook, and
    apprise opens its connections by itself.
    """

    def __init__(self, settings: NotifySettings, guard: Guard, clock: Callable[[], float]) -> None:
        self._urls = dict(settings.apprise)
        self._pool = ThreadPoolExecutor(THREADS_MAX, "alert-apprise")

    def warning(self, target: str) -> str:
        """What must be configured or installed; empty where nothing is missing."""
        if target not in self._urls:
            return f"no apprise address is called {target}: add it to notify.apprise"
        return "" if installed() else MISSING

    async def send(self, target: str, notice: Notice, notice_id: str) -> None:
        """Send once. Raises SendError. apprise tells no refusal from a passing failure, so all of them pass."""
        warning = self.warning(target)
        if warning:
            raise SendError(warning, passing=False)
        url = self._urls[target]
        body = "\n".join([*lines_of(notice), *([plain(notice.link)] if notice.link else [])])
        work = asyncio.get_running_loop().run_in_executor(self._pool, _notify, url, plain(notice.subject), body)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                known, delivered = await work
        except TimeoutError:
            raise SendError(f"apprise did not get through to {target} in {TIMEOUT_S:g} s", passing=True) from None
        except Exception as error:  # a hundred services' code: whatever it raises, without its words
            raise SendError(f"apprise failed for {target} ({type(error).__name__})", passing=True) from None
        if not known:
            raise SendError(f"apprise does not understand the address of {target} ({_scheme(url)})", passing=False)
        if not delivered:
            raise SendError(f"apprise could not deliver to {target} ({_scheme(url)})", passing=True)

    async def close(self) -> None:
        """Sends under way end by themselves."""
        self._pool.shutdown(wait=False)


@cache
def installed() -> bool:
    """Whether the extra is there."""
    return find_spec("apprise") is not None


def _notify(url: str, title: str, body: str) -> tuple[bool, bool]:
    """(the address is understood, it was delivered). Blocks."""
    import apprise  # 40 MB that nobody else needs

    asset = apprise.AppriseAsset(
        plugin_paths=[],
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        allow_templates=False,
        service_timeout=TIMEOUT_S,
        app_id="inference-sidecar",
        async_mode=False,
    )
    client = apprise.Apprise(asset=asset)
    if not client.add(url):
        return False, False
    return True, bool(client.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT))


def _scheme(url: str) -> str:
    """Of apprise's addresses even the host may be a token, so only the scheme is shown."""
    return redacted(url).partition("://")[0]
