"""/livez and /readyz."""

import asyncio

from sidecar.app.probes import Probes


async def ask(port: int, line: str) -> tuple[str, str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{line}\r\nHost: x\r\n\r\n".encode())
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    return head.split("\r\n")[0], body


async def test_probes_tell_readiness_and_nothing_else() -> None:
    """200 or 503 by readiness, 404 and 405 for what is no probe."""
    ready = True
    probes = Probes(lambda: (ready, {"draining": not ready}))
    await probes.start("127.0.0.1", 0)
    try:
        assert (await ask(probes.port, "GET /livez HTTP/1.1"))[0] == "HTTP/1.1 200 OK"
        assert await ask(probes.port, "GET /readyz?x HTTP/1.1") == (
            "HTTP/1.1 200 OK",
            '{"ready": true, "draining": false}\n',
        )
        ready = False
        assert (await ask(probes.port, "GET /readyz HTTP/1.1"))[0] == "HTTP/1.1 503 Service Unavailable"
        assert (await ask(probes.port, "GET /metrics HTTP/1.1"))[0] == "HTTP/1.1 404 Not Found"
        assert (await ask(probes.port, "POST /livez HTTP/1.1"))[0] == "HTTP/1.1 405 Method Not Allowed"
    finally:
        probes.close()
