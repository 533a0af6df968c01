"""What may be set of baselines, drift, alerts and notifications."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from sidecar.app.parts import Duration, Name, Part, Port, like

DAY_S = 86_400.0


def _tens_of_seconds(seconds: float) -> float:
    if seconds <= 0 or seconds % 10:
        raise ValueError(f"{seconds:g} s is not a positive multiple of 10 s, the narrowest time that is summed up")
    return seconds


def _http_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good:
        raise ValueError("must be an address such as https://host/path")
    return url


Window = Annotated[Duration, AfterValidator(_tens_of_seconds)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]


def _allowed_host(text: str) -> str:
    from sidecar.alerts.channels import parse_allowed_host  # only here: it brings what a supervisor does not need

    parse_allowed_host(text)
    return text


AllowedHost = Annotated[str, AfterValidator(_allowed_host)]


def _auto_or_off(value: Any) -> Any:
    """YAML reads a bare ``off`` as false."""
    return {False: "off", True: "auto"}[value] if isinstance(value, bool) else value


def _channel(text: str) -> str:
    from sidecar.alerts.channels import parse_address  # only here: it brings what a supervisor does not need

    parse_address(text)
    return text


ChannelName = Annotated[str, AfterValidator(_channel)]


class DriftConfig(Part):
    """``baseline: auto`` freezes the first ``baseline_period`` of a model's traffic as its normal; each ``window``
    after that is compared with it. Windows under six days take days that merely differ for drift: see docs/drift.md.
    """

    baseline: Annotated[Literal["auto", "off"], BeforeValidator(_auto_or_off)] = "auto"
    baseline_period: Window = 14 * DAY_S
    window: Annotated[Window, Field(le=100 * DAY_S)] = 7 * DAY_S


class AlertsConfig(Part):
    """``defaults`` gives every model the rules of docs/alerts.md, judged over ``default_window``."""

    defaults: bool = True
    default_window: Annotated[Window, Field(le=30 * DAY_S)] = 900.0
    default_for: Annotated[Duration, Field(le=7 * DAY_S)] = 300.0
    default_notify: tuple[ChannelName, ...] = ()
    interval: Annotated[Duration, Field(ge=1, le=300)] = 10.0


class SmtpConfig(Part):
    """The mail server. ``tls: starttls`` insists on it, ``auto`` takes it where offered, ``tls`` speaks it at once."""

    host: Annotated[str, Field(min_length=1)]
    port: Port = 587
    sender: Annotated[str, like(r"[^@\s<>]+@[^@\s<>]+", "an address of mail alone, such as sidecar@example.com")]
    username: str = ""
    password_file: Path | None = None
    tls: Literal["auto", "starttls", "tls", "off"] = "auto"
    ca_file: Path | None = None


class WebhookConfig(Part):
    """A receiver of signed JSON; ``secret_file`` holds the key both sides know."""

    name: Name
    url: HttpUrl
    secret_file: Path | None = None


class AlertmanagerConfig(Part):
    name: Name = "main"
    url: HttpUrl


class NotifyConfig(Part):
    """Where alerts can be sent. ``allowed_hosts`` are private addresses that may be called, by name."""

    smtp: SmtpConfig | None = None
    slack: dict[str, HttpUrl] = Field(default_factory=dict)
    webhooks: tuple[WebhookConfig, ...] = ()
    alertmanagers: tuple[AlertmanagerConfig, ...] = ()
    apprise: dict[Name, str] = Field(default_factory=dict)
    allowed_hosts: tuple[AllowedHost, ...] = ()
    link: Annotated[str, like(r"(https?://[^\s/]+\S*)?", "an address such as https://host, or empty", is_url=True)] = ""


def _holds_text(file: Path) -> bool:
    try:
        return bool(file.read_text("utf-8").strip())
    except (OSError, UnicodeDecodeError):
        return False


def notify_faults(notify: NotifyConfig) -> list[str]:
    """Files that are not there and names given twice. Each begins with its place."""
    faults = []
    files: dict[str, Path | None] = {}
    if notify.smtp is not None:
        files["notify.smtp.password_file"] = notify.smtp.password_file
        files["notify.smtp.ca_file"] = notify.smtp.ca_file
    files |= {f"notify.webhooks.{index}.secret_file": item.secret_file for index, item in enumerate(notify.webhooks)}
    for place, file in files.items():
        if file is not None and not file.is_file():
            faults.append(f"{place}: {str(file)!r} is no file")
        elif file is not None and place != "notify.smtp.ca_file" and not _holds_text(file):
            faults.append(f"{place}: {str(file)!r} can't be read, or holds no secret")
    for place, names in (
        ("webhooks", [item.name for item in notify.webhooks]),
        ("alertmanagers", [item.name for item in notify.alertmanagers]),
    ):
        faults += [
            f"notify.{place}.{index}.name: {name!r} is taken by an earlier one, names must differ"
            for index, name in enumerate(names)
            if name in names[:index]
        ]
    return faults
