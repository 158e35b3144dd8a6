"""What a SovereigntyPolicy may ask for, and what it is told to write instead."""

from __future__ import annotations

from typing import Any

import pytest

from bolwerk.core.invalid import InvalidSpecError
from core.egress.worlds import intent_of
from core.policy.world import SPEC, policy

WHOLE = "as a whole is not internal"


def internal(*networks: str, proxies: tuple[str, ...] = (), endpoints: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"networks": [*networks], "forwardProxies": [*proxies], "privateEndpoints": [*endpoints]}


def test_everything_that_a_renderer_needs_is_read() -> None:
    lists = internal("10.20.0.0/16", "2001:db8:20::/48", proxies=("10.20.1.0/28",), endpoints=("10.0.0.0/8",))

    intent = intent_of(policy(internal=lists, enforcement={"priority": 7}, mode="Audit"))

    assert intent.name == "bolwerk-government"
    assert [str(each) for each in intent.internal] == ["10.20.0.0/16", "2001:db8:20::/48"]
    assert [str(each) for each in intent.outward] == ["10.20.1.0/28", "10.0.0.0/8"]
    assert (intent.priority, intent.enforced) == (7, False)
    assert intent.selector["matchLabels"] == SPEC["namespaceSelector"]["matchLabels"]


def test_a_proxy_that_is_a_private_endpoint_too_is_named_once() -> None:
    lists = internal("10.20.0.0/16", proxies=("10.99.0.0/28",), endpoints=("10.99.0.0/28", "10.98.0.0/28"))

    assert [str(each) for each in intent_of(policy(internal=lists)).outward] == ["10.99.0.0/28", "10.98.0.0/28"]


@pytest.mark.parametrize(
    ("lists", "want"),
    [
        pytest.param(internal("10.20.0.0"), "'10.20.0.0' has no prefix length; write 10.20.0.0/32", id="an address"),
        pytest.param(
            internal("10.20.0.1/16"),
            "'10.20.0.1/16' begins within its network; write 10.20.0.0/16, or a longer prefix",
            id="host bits",
        ),
        pytest.param(internal("10.20.0.0/33"), "'10.20.0.0/33' is no network", id="too long a prefix for IPv4"),
        pytest.param(internal("2001:db8::/129"), "'2001:db8::/129' is no network", id="too long a prefix for IPv6"),
        pytest.param(internal("10.20.0.0/64"), "'10.20.0.0/64' is no network", id="IPv4 with a prefix of IPv6"),
        pytest.param(internal("2001.db8::/32"), "'2001.db8::/32' is no network", id="IPv6 typed with a dot"),
        pytest.param(
            internal("::ffff:10.20.0.0/112"), "which no packet carries; write 10.20.0.0/16", id="IPv4 as IPv6"
        ),
        pytest.param(
            internal("10.20.0.0/255.255.0.0"), "has no prefix length; write 10.20.0.0/16", id="a mask for a prefix"
        ),
        pytest.param(internal("example.com"), "'example.com' is no network", id="a name"),
        pytest.param(
            internal("10.20.5.0/24", "2001:db8::/32", "10.20.0.0/16"),
            "10.20.5.0/24 lies within 10.20.0.0/16; keep 10.20.0.0/16 if all of it is yours, else 10.20.5.0/24",
            id="one network within another",
        ),
        pytest.param(internal("10.20.0.0/16", "10.20.0.0/16"), "10.20.0.0/16 lies within", id="a network twice"),
        pytest.param(internal("10.0.0.0/8"), f"10.0.0.0/8 {WHOLE}", id="a whole private space"),
        pytest.param(internal("10.0.0.0/9", "10.128.0.0/9"), f"10.0.0.0/8 {WHOLE}", id="both halves of one"),
        pytest.param(internal("0.0.0.0/0"), f"10.0.0.0/8 {WHOLE}", id="all of IPv4"),
        pytest.param(internal("::/0"), f"fc00::/7 {WHOLE}", id="all of IPv6"),
        pytest.param(
            internal("10.20.0.0/16", "10.30.0.0/16", endpoints=("10.0.0.0/8",)),
            "nothing of networks is left, because forwardProxies and privateEndpoints contain it all (10.0.0.0/8)",
            id="private endpoints that swallow everything internal",
        ),
        pytest.param(
            internal("10.20.0.0/16", proxies=("10.20.0.0/17",), endpoints=("10.20.128.0/17",)),
            "nothing of networks is left",
            id="two halves that swallow everything internal",
        ),
        pytest.param(internal("10.20.0.0/16", proxies=("10.1.1.1",)), "spec.internal.forwardProxies", id="a proxy"),
        pytest.param(internal("10.20.0.0/16", endpoints=("x",)), "spec.internal.privateEndpoints", id="an endpoint"),
        pytest.param(internal(), "spec.internal.networks", id="an empty internal list"),
    ],
)
def test_refused_with_what_to_write_instead(lists: dict[str, Any], want: str) -> None:
    with pytest.raises(InvalidSpecError) as refused:
        intent_of(policy(internal=lists))

    assert want in str(refused.value)
