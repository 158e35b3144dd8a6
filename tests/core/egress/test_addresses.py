"""Sets of addresses, held against asking every network about single addresses."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bolwerk.core.egress.addresses import ALL, NONE, Addresses
from core.egress.worlds import NETWORKS, borders

UNHURRIED = settings(deadline=None)
LISTS = st.lists(NETWORKS, max_size=6)


def holds(addresses: Addresses, address: Any) -> bool:
    return Addresses.of([ip_network(address)]).within(addresses)


@UNHURRIED
@given(networks=LISTS, holes=LISTS, more=LISTS, data=st.data())
def test_each_address_is_where_the_networks_say(networks: Any, holes: Any, more: Any, data: st.DataObject) -> None:
    near = borders((*networks, *holes, *more, IPv4Network("10.0.0.0/8"), IPv6Network("2001:db8::/32")))
    address = data.draw(st.sampled_from(near))

    found = holds((Addresses.of(networks) - Addresses.of(holes)) | Addresses.of(more), address)

    inside, cut, added = (any(address in each for each in some) for some in (networks, holes, more))
    assert found == ((inside and not cut) or added)


@UNHURRIED
@given(networks=LISTS, holes=LISTS)
def test_spans_are_in_order_apart_and_not_empty(networks: Any, holes: Any) -> None:
    left = Addresses.of(networks) - Addresses.of(holes)

    flat = [bound for span in left.spans for bound in span]
    assert flat == sorted({*flat})


@pytest.mark.parametrize(
    ("inner", "outer", "want"),
    [
        pytest.param(["10.0.0.0/8"], ["10.0.0.0/9", "10.128.0.0/9"], True, id="in two halves"),
        pytest.param(["10.0.0.0/8"], ["10.0.0.0/9"], False, id="in one half"),
        pytest.param(["::/0"], ["0.0.0.0/0"], False, id="in the other family"),
        pytest.param([], [], True, id="nothing in nothing"),
        pytest.param(["0.0.0.0/0", "::/0"], ["::/0", "0.0.0.0/0"], True, id="everything in everything"),
    ],
)
def test_within(inner: list[str], outer: list[str], *, want: bool) -> None:
    assert Addresses.of(map(ip_network, inner)).within(Addresses.of(map(ip_network, outer))) == want


def test_everything_less_everything_is_nothing() -> None:
    assert ALL - ALL == NONE
    assert not NONE
