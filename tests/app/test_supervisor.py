"""What the supervisor decides by itself; its children are met in tests/journeys."""

import time
from pathlib import Path

from sidecar.access import TokenFile
from sidecar.app.load import load_config
from sidecar.app.supervisor import Supervisor


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
