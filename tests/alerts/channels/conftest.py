"""A receiver on a local port, which every test here may use."""

from collections.abc import AsyncIterator

import pytest

from tests.kit.alert_receivers import HttpReceiver


@pytest.fixture
async def receiver() -> AsyncIterator[HttpReceiver]:
    receiver = HttpReceiver()
    await receiver.start()
    yield receiver
    await receiver.stop()
