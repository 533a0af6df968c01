"""How often an address may do something."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sidecar.proxy.allowance import Allowance, network_of

GAPS_S = st.lists(st.floats(0, 40), min_size=1, max_size=60)


@given(GAPS_S, st.integers(1, 30))
def test_no_minute_sees_more_than_twice_the_rate_and_no_wait_is_in_vain(gaps: list[float], per_minute: int) -> None:
    """All at once, then evenly: at most what a full minute and its refill allow; who waits as told is served."""
    allowance, now, taken = Allowance(10), 0.0, []
    for gap in gaps:
        now += gap
        wait_s = allowance.wait_s("10.0.0.1", per_minute, now)
        assert 0 <= wait_s <= 60 / per_minute + 1e-6
        if wait_s:
            now += wait_s
            assert allowance.wait_s("10.0.0.1", per_minute, now) == 0
        taken.append(now)
    for start in taken:
        assert sum(start <= at < start + 60 for at in taken) <= 2 * per_minute


@given(st.lists(st.sampled_from([f"10.0.0.{n}" for n in range(9)]), max_size=80))
def test_table_keeps_its_bound_and_the_last_addresses(addresses: list[str]) -> None:
    """However many addresses come, as many are known as may be, and those are the last that were served."""
    forgotten: list[int] = []
    allowance = Allowance(4, lambda: forgotten.append(1))
    for address in addresses:
        allowance.wait_s(address, 2, 0.0)
        assert len(allowance) <= 4
    assert len(forgotten) == 0 or len(set(addresses)) > 4


def test_a_host_can_not_change_its_address_for_another_allowance() -> None:
    """An IPv6 host has a whole /64 to itself; an IPv4 address is the same however it is written; nonsense is itself."""
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1")
    assert network_of("2001:db8::1") != network_of("2001:db8:0:1::1")
    assert network_of("::ffff:1.2.3.4") == network_of("1.2.3.4") == "1.2.3.4"
    assert (network_of(""), network_of("x:y")) == ("", "x:y")
