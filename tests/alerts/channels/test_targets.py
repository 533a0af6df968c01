"""The guard against server-side request forgery."""

import asyncio
import socket
from ipaddress import ip_address

import pytest

from sidecar.alerts.channels.channel import SendError
from sidecar.alerts.channels.posting import Request, post
from sidecar.alerts.channels.targets import CheckedResolver, Guard, TargetError, is_public, parse_allowed_host
from tests.kit.alert_receivers import HttpReceiver

PUBLIC = "93.184.216.34"


def answering(*answers: list[str]):
    """A lookup that gives ``answers`` one after the other, the last one for ever, and keeps what it was asked."""
    left = list(answers)

    async def lookup(host: str, port: int) -> list[str]:
        lookup.asked.append((host, port))
        return left.pop(0) if len(left) > 1 else left[0]

    lookup.asked = []
    return lookup


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.0.0.1:8081/api/v1",
        "http://127.8.9.10/",
        "http://0.0.0.0/",
        "http://0.1.2.3/",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://198.18.0.1/",
        "http://192.0.2.1/",
        "http://192.88.99.1/",
        "http://192.0.0.192/",
        "http://[::ffff:192.0.0.192]/",
        "http://192.0.0.9/",
        "http://168.63.129.16/",
        "http://[64:ff9b::a83f:8110]/",
        "http://224.0.0.1/",
        "http://239.255.255.250/",
        "http://240.0.0.1/",
        "http://255.255.255.255/",
        "http://[::1]/",
        "http://[::]/",
        "http://[fe80::1]/",
        "http://[fe80::1%25eth0]/",
        "http://[fc00::1]/",
        "http://[fd00:ec2::254]/",
        "http://[fec0::1]/",
        "http://[ff02::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[::ffff:8.8.8.8]:0/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::127.0.0.1]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[64:ff9b:1::1]/",
        "http://[2002:7f00:1::]/",
        "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
        "http://[2001:db8::1]/",
        "http://[3fff::1]/",
        "http://[3fff:fff:ffff::1]/",
        "http://[2001:1::2]/",
        "http://[2001:20::1]/",
        "http://[100::1]/",
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://127.1/",
        "http://127.0.1/",
        "http://0177.0.0.1/",
        "http://127.0.0.01/",
        "http://127.0.0.1./",
        "http://0/",
        "http://127。0。0。1/",
        "http://①②⑦.0.0.1/",
        "http://127%2e0%2e0%2e1/",
        "http://good.example@127.0.0.1/",
        "http://user@good.example/",
        "http://user:pw@good.example/",
        "http://good.example\\@127.0.0.1/",
        "http://good.example /",
        "http://good.example\r\nHost: x/",
        "http://[::1",
        "http://good.example:99999/",
        "http://good.example:0/",
        "http:///path",
        "http://",
        "//good.example/",
        "good.example",
        "",
        "file:///etc/passwd",
        "gopher://good.example/",
        "ftp://good.example/",
        "unix:///run/docker.sock",
        "data:text/plain,x",
    ],
)
async def test_hostile_url_is_refused_before_anything_is_looked_up(url: str) -> None:
    """No form of a special address, and nothing but plain http and https, gets as far as a look-up."""
    lookup = answering([PUBLIC])
    guard = Guard(lookup=lookup)
    assert guard.warning(url)
    with pytest.raises(SendError) as caught:
        await post(guard, Request(url, b"{}", {}), 0.0)
    assert not caught.value.passing
    assert lookup.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example/x",
        "http://hooks.example:8080",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]/",
        "http://[64:ff9b::8.8.8.8]/",
        "https://hooks.example./x",
        "https://münchen.example/",
        "https://a_b.example/",
    ],
)
def test_public_url_passes(url: str) -> None:
    """Names, and literal addresses of the public internet, may be called."""
    assert Guard().warning(url) == ""


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "100.100.100.200",
        "::1",
        "fe80::1%2",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
    ],
)
async def test_name_of_a_special_address_is_refused(address: str, receiver: HttpReceiver) -> None:
    """A name that resolves to an address that must not be called is refused, and not told to whoever asks."""
    guard = Guard(lookup=answering([address]))
    with pytest.raises(SendError, match=r"inside\.example is, or resolves to, .*allowed_hosts") as caught:
        await post(guard, Request(f"http://inside.example:{receiver.port}/", b"{}", {}), 0.0)
    assert not caught.value.passing
    assert address not in caught.value.reason
    assert receiver.posted == []


async def test_localhost_by_the_real_resolver_is_refused(receiver: HttpReceiver) -> None:
    """The system's own resolver is checked as well: localhost is not called."""
    guard = Guard()
    with pytest.raises(SendError, match="allowed_hosts"):
        await post(guard, Request(f"http://localhost:{receiver.port}/", b"{}", {}), 0.0)
    guard.close()
    assert receiver.posted == []


async def test_one_special_address_among_public_ones_refuses_the_name() -> None:
    """Every address is checked, not only the first."""
    resolver = CheckedResolver(answering([PUBLIC, "8.8.8.8", "10.0.0.1"]), anywhere=False)
    with pytest.raises(TargetError):
        await resolver.resolve("mixed.example", 80)


async def test_name_that_flips_after_the_check_gains_nothing(
    receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name is resolved once a request, and the socket goes to the address that was checked (DNS rebinding)."""
    connected: list[tuple[str, int]] = []

    async def sock_connect(sock: socket.socket, address: tuple[str, int]) -> None:
        connected.append(address[:2])
        raise ConnectionRefusedError(111, "refused")

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", sock_connect)
    lookup = answering([PUBLIC], ["127.0.0.1"])
    guard = Guard(lookup=lookup)
    url = f"http://flips.example:{receiver.port}/"
    with pytest.raises(SendError) as first:
        await post(guard, Request(url, b"{}", {}), 0.0)
    assert (first.value.passing, connected, len(lookup.asked)) == (True, [(PUBLIC, receiver.port)], 1)
    with pytest.raises(SendError) as second:
        await post(guard, Request(url, b"{}", {}), 0.0)
    assert (second.value.passing, connected, len(lookup.asked)) == (False, [(PUBLIC, receiver.port)], 2)


def test_socket_to_an_unchecked_address_is_not_opened() -> None:
    """The last check stands at the socket: whatever way an address came there, a special one is refused."""
    resolver = CheckedResolver(answering([PUBLIC]), anywhere=False)
    with pytest.raises(OSError, match="address refused"):
        resolver.open_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 80)))
    resolver.open_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", (PUBLIC, 80))).close()


@pytest.mark.parametrize("allowed", ["127.0.0.1", "127.0.0.1:{port}"])
async def test_allowed_literal_address_is_called(allowed: str, receiver: HttpReceiver) -> None:
    """An address that the operator allowed, on any port or on one, is called although it is special."""
    guard = Guard([allowed.format(port=receiver.port)])
    await post(guard, Request(receiver.url + "/hook", b"{}", {}), 0.0)
    assert [posted.path for posted in receiver.posted] == ["/hook"]


@pytest.mark.parametrize("allowed", ["Inside.Example", "inside.example.", "inside.example:{port}"])
async def test_allowed_name_is_called_wherever_it_leads(allowed: str, receiver: HttpReceiver) -> None:
    """A name that the operator allowed may resolve to a private address; case and a trailing dot do not matter."""
    guard = Guard([allowed.format(port=receiver.port)], answering(["127.0.0.1"]))
    await post(guard, Request(f"http://INSIDE.example.:{receiver.port}/", b"{}", {}), 0.0)
    assert len(receiver.posted) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://other.inside.example/",
        "http://inside.example.evil.example/",
        "http://inside.example:81/",
        "http://10.0.0.7/",
    ],
)
async def test_allowing_one_host_allows_no_other(url: str) -> None:
    """Names are exact, a port belongs to its entry, and allowing a name does not allow the address behind it."""
    guard = Guard(["inside.example:80"], answering(["10.0.0.7"]))
    with pytest.raises(SendError, match="allowed_hosts"):
        await post(guard, Request(url, b"{}", {}), 0.0)


@pytest.mark.parametrize(
    "text", ["", "http://host", "10.0.0.0/8", "*", "a b", "host:0", "host:99999", "u@host", "127.1", "host/x"]
)
def test_allowed_host_that_is_none_is_refused(text: str) -> None:
    """An entry that could never match, or looks wider than it is, is an error that says what would be right."""
    with pytest.raises(ValueError, match="expected a name or an address"):
        parse_allowed_host(text)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "203.0.114.1",
        "168.63.129.17",
        "192.0.1.1",
        "3ffe::1",
        "2001:200::1",
        "2a00:1450:4001::1",
        "64:ff9b::101:101",
    ],
)
def test_public_address_is_public(address: str) -> None:
    """Addresses of the public internet, also those behind NAT64, are taken for what they are."""
    assert is_public(ip_address(address))


async def test_name_with_an_endless_label_is_a_failure_that_passes() -> None:
    """A name that no resolver can take is told as one that can't be resolved, not as a fault."""
    guard = Guard()
    with pytest.raises(SendError, match="can't be resolved") as caught:
        await post(guard, Request(f"http://{'a' * 70}.example/", b"{}", {}), 0.0)
    guard.close()
    assert caught.value.passing
