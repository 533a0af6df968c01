"""What the supervisor decides by itself; its children are met in tests/journeys."""

import asyncio
import sys
import time
from pathlib import Path

from structlog.testing import capture_logs

from sidecar.access import TokenFile
from sidecar.app.load import load_config
from sidecar.app.supervisor import Supervisor
from tests.kit.ports import free_ports


def test_reload_is_taken_after_the_last_token_has_ended(tmp_path: Path) -> None:
    """Without a token it would not start; while it runs its other settings can still be changed."""
    kept = TokenFile(tmp_path / "data")
    token, _ = kept.create("ops", ("admin",), time.time(), None)
    file = tmp_path / "sidecar.yaml"
    text = (
        f"upstreams: [{{name: A, url: 'http://a'}}]\ndata_dir: {tmp_path / 'data'}\n"
        "admin: {host: 0.0.0.0, port: 8081}\n"
    )
    file.write_text(text)
    supervisor = Supervisor(load_config(file, {}), lambda: load_config(file, {}))
    kept.revoke(token.id, time.time())
    file.write_text(f"{text}slice_by: route\n")
    supervisor._hangup()
    assert supervisor.config.slice_by == "route"


def test_what_waits_for_a_restart_is_told_by_its_paths(tmp_path: Path) -> None:
    """Not only by its section: a person sees which line it was."""
    file = tmp_path / "sidecar.yaml"
    text = "upstreams: [{name: A, url: 'http://a'}]\n"
    stream = "stream: [{url: 'https://hub/in'}]\n"
    file.write_text(text + stream)
    supervisor = Supervisor(load_config(file, {}), lambda: load_config(file, {}))
    file.write_text(f"{text}listen: {{port: 9000}}\n{stream.replace('hub', 'other')}")
    with capture_logs() as logs:
        supervisor._hangup()
    (told,) = [entry["settings"] for entry in logs if entry["event"] == "reload_needs_restart"]
    assert told == ["listen.port", "stream[0].url"]
    assert "listen.port" not in supervisor.config.came_from
    assert "stream[0].url" in supervisor.config.came_from


def test_reload_onto_the_own_data_port_is_refused(tmp_path: Path) -> None:
    """The port that is in use counts, not one that waits for a restart."""
    file = tmp_path / "sidecar.yaml"
    file.write_text("upstreams: [{name: A, url: 'http://a'}]\n")
    supervisor = Supervisor(load_config(file, {}), lambda: load_config(file, {}))
    file.write_text("upstreams: [{name: A, url: 'http://127.0.0.1:8080'}]\nlisten: {port: 9000}\n")
    with capture_logs() as logs:
        supervisor._hangup()
    assert [entry["event"] for entry in logs] == ["reload_refused"]
    assert "upstreams[0].url: http://127.0.0.1:8080 is the sidecar's own data port" in logs[0]["faults"][0]


async def test_admin_port_is_told_of_once_it_takes_connections(tmp_path: Path) -> None:
    """Whoever follows the dashboard's address as it is told finds it there: never before, and only once."""
    (port,) = free_ports(1)
    file = tmp_path / "sidecar.yaml"
    file.write_text(f"upstreams: [{{name: A, url: 'http://a'}}]\nadmin: {{port: {port}}}\n")
    supervisor = Supervisor(load_config(file, {}), lambda: load_config(file, {}))
    told: list[str] = []
    telling = asyncio.create_task(supervisor._tell_of_admin_port(lambda _: told.append("told")))
    await asyncio.sleep(0.05)  # by then it was tried, and refused
    told.append("listens")
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)
    try:
        await asyncio.wait_for(telling, 30)
    finally:
        server.close()
    assert told == ["listens", "told"]


async def test_supervisor_imports_nothing_that_holds_up_its_workers() -> None:
    """What only the monitor needs would come before the first proxied request, and stay in memory."""
    code = "import sys, sidecar.app.supervisor, sidecar.cli.run; print(*sys.modules)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=-1)
    modules = set((await process.communicate())[0].decode().split())
    assert not modules & {"numpy", "aiohttp", "structlog", "rich", "sqlite3", "jinja2", "PIL", "uvloop"}
    assert not modules & {"sidecar.cli.program", "sidecar.recording", "sidecar.experiments", "sidecar.alerts"}
