"""Addresses as people write them."""

import pytest

from sidecar.alerts.channels.address import KINDS, Address, canonical, parse_address, redacted


@pytest.mark.parametrize(
    ("text", "kind", "target"),
    [
        ("email:team@company.com", "email", "team@company.com"),
        (" Email: ops+ml@mail.company.co.uk ", "email", "ops+ml@mail.company.co.uk"),
        ("slack:#ml-alerts", "slack", "#ml-alerts"),
        ("slack:ml-alerts", "slack", "ml-alerts"),
        ("webhook:ops", "webhook", "ops"),
        ("webhook:https://ops.example:8443/hook?k=v", "webhook", "https://ops.example:8443/hook?k=v"),
        ("alertmanager", "alertmanager", ""),
        ("alertmanager:prod", "alertmanager", "prod"),
        ("apprise:pager", "apprise", "pager"),
    ],
)
def test_written_address_is_read(text: str, kind: str, target: str) -> None:
    """Each form of the documentation gives its kind and target, whatever the case of the kind and spaces around."""
    address = parse_address(text)
    assert (address.kind, address.target) == (kind, target)
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("", "email:team@company.com"),
        ("team@company.com", "email:team@company.com"),
        ("sms:123", "slack:#ml-alerts"),
        ("email:", "email:team@company.com"),
        ("email:team", "email:team@company.com"),
        ("email:a@b.com, c@d.com", "email:team@company.com"),
        ("email:Team <team@company.com>", "email:team@company.com"),
        ("email:a@b.com\r\nBcc: c@d.com", "one line"),
        ('email:"a b"@company.com', "email:team@company.com"),
        ("email:tëam@company.com", "email:team@company.com"),
        ("email:team@company..com", "email:team@company.com"),
        ("slack:", "slack:#ml-alerts"),
        ("slack:#a b", "slack:#ml-alerts"),
        ("slack:<!channel>", "slack:#ml-alerts"),
        ("webhook:", "webhook:https://host/path"),
        ("webhook:ftp://host/x", "webhook:https://host/path"),
        ("webhook:https://user:pw@host/x", "webhook:https://host/path"),
        ("webhook:https:///x", "webhook:https://host/path"),
        ("webhook:https://host:0/", "webhook:https://host/path"),
        ("webhook:https://host:99999/", "webhook:https://host/path"),
        ("alertmanager:a b", "alertmanager:NAME"),
        ("apprise", "apprise:NAME"),
        ("apprise:json://host", "apprise:NAME"),
        ("webhook:https://host/" + "x" * 3_000, "at most 2048 characters"),
    ],
)
def test_wrong_address_is_refused_with_what_would_be_right(text: str, right: str) -> None:
    """What is no address raises an error that shows the right form."""
    with pytest.raises(ValueError, match="expected") as caught:
        parse_address(text)
    assert right in str(caught.value)


@pytest.mark.parametrize(
    "text", ["webhook:https://user:hunter2@host/s3cret", "https://host/s3cret", "sms:ftp://h/s3cret"]
)
def test_error_about_an_address_shows_no_secret(text: str) -> None:
    """Neither the path nor the password of a URL that was refused stands in the error."""
    with pytest.raises(ValueError, match="expected") as caught:
        parse_address(text)
    assert "s3cret" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["alertmanager:main", "Alertmanager:main", " alertmanager :main", "alertmanager: main "]
)
def test_all_ways_to_write_an_address_come_to_one(text: str) -> None:
    """Case of the kind and spaces make no other channel; the canonical form is its own."""
    assert canonical(text) == "alertmanager:main"
    assert canonical(canonical(text)) == canonical(text)


def test_what_is_no_address_has_no_canonical_form() -> None:
    """It is refused with what would be right."""
    with pytest.raises(ValueError, match="slack:#ml-alerts"):
        canonical("pigeon:1")


def test_shown_address_keeps_scheme_and_host_only() -> None:
    """What logs show of a URL is where it leads, not its path."""
    assert parse_address("webhook:https://ops.example:8443/s3cret?k=v").shown == "webhook:https://ops.example:8443"
    assert Address("slack", "#a").shown == "slack:#a"
    assert redacted("https://u:p@host?token=1") == "https://host"


def test_each_kind_has_a_channel() -> None:
    """The kinds of addresses are those of the table of channels."""
    from sidecar.alerts.channels import _CHANNELS

    assert set(_CHANNELS) == set(KINDS)
