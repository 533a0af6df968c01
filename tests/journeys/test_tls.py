"""A sidecar whose data port speaks TLS, as people run it: its certificate is renewed while it serves."""

from __future__ import annotations

import http.client
import signal
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.kit.certificates import DAYS, Authority, shown
from tests.kit.sidecar import RunningSidecar, ask, running_sidecar, wait_for

INFER = "/v2/models/det/infer"
ModelServer = Callable[[str], str]


class Kept:
    """A connection that stays, and the certificate that it was shown."""

    def __init__(self, sidecar: RunningSidecar, authority: Authority) -> None:
        context = authority.client_context()
        self.connection = http.client.HTTPSConnection("localhost", sidecar.port, timeout=20, context=context)
        self.connection.connect()
        sock = self.connection.sock
        assert isinstance(sock, ssl.SSLSocket)
        self.certificate = sock.getpeercert(binary_form=True)

    def infer(self) -> int:
        """The status of a request over it."""
        self.connection.request("POST", INFER, b"{}", {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        answer.read()
        return answer.status


def listed(sidecar: RunningSidecar) -> dict[str, Any]:
    """What the status says of the data port's certificate; empty until a worker has told of it."""
    found: list[dict[str, Any]] = sidecar.api("/api/v1/status")["certificates"]
    return found[0] if found else {}


def test_certificate_is_renewed_while_two_workers_serve(tmp_path: Path, model_server: ModelServer) -> None:
    """New files and a SIGHUP: new connections see the new certificate, the old one goes on; a bad pair is told and
    changes nothing; status and metrics say when what is in use ends."""
    authority = Authority(tmp_path / "tls")
    files = authority.issue()
    environment = {
        "SIDECAR_LISTEN__TLS_CERT_FILE": files.cert_file,
        "SIDECAR_LISTEN__TLS_KEY_FILE": files.key_file,
    }
    arguments = ["--upstream", model_server("one"), "--workers", "2"]
    with running_sidecar(tmp_path, arguments, **environment) as sidecar:
        assert f"proxying   https://127.0.0.1:{sidecar.port}" in sidecar.log.read_text()
        kept = Kept(sidecar, authority)
        assert (kept.infer(), kept.certificate) == (200, shown(files))
        assert ask(sidecar.url(INFER), b"{}").status == 400, "plain HTTP"
        entry = wait_for(lambda: listed(sidecar), what="the certificate")
        assert (entry["use"], entry["fault"], entry["ends_soon"]) == ("listen", "", False)
        assert DAYS - 1 < entry["days_left"] <= DAYS
        name = 'sidecar_tls_certificate_expiry_timestamp_seconds{use="listen"}'
        assert sidecar.metric(name) == entry["expires_at"]
        wait_for(lambda: sidecar.metric("sidecar_tls_handshake_failures_total") == 1, what="the refusal, counted")

        authority.issue()
        sidecar.process.send_signal(signal.SIGHUP)
        new = shown(files)
        wait_for(lambda: all(Kept(sidecar, authority).certificate == new for _ in range(8)), what="the renewal")
        assert kept.infer() == 200

        Path(files.key_file).write_text("no key")
        wait_for(lambda: listed(sidecar).get("fault"), what="the fault")
        assert sidecar.api("/api/v1/status")["ok"] is False
        assert sidecar.metric('sidecar_tls_certificate_fault{use="listen"}') == 1
        assert (Kept(sidecar, authority).infer(), kept.infer()) == (200, 200)
        wait_for(lambda: "certificate_not_taken" in sidecar.log.read_text(), what="the log")
        assert "PRIVATE KEY" not in sidecar.log.read_text()
        assert sidecar.stop() == 0
