"""What attempts say where something stands between, in a network namespace of the test's own."""

from __future__ import annotations

import json
import sys

import pytest

from programs.networks import in_own_network, need_own_network, ran

# No address of these is anybody's: documentation networks.
HOSTS = {"IPv4": "198.51.100.7", "IPv6": "2001:db8::7"}
TRIED = """
import asyncio, json, sys
from bolwerk.programs import attempt

async def tried(address):
    return [
        await attempt.connect(address, 443, seconds=1.5),
        await attempt.datagram(address, 443, seconds=1.5),
        await attempt.query(address, 53, asked="example.com", seconds=1.5),
        await attempt.proxied(address, 3128, to="203.0.113.9:443", seconds=1.5),
    ]

print(json.dumps([asyncio.run(tried(each)) for each in sys.argv[1:]]))
"""
OURS = "ip addr add 198.51.100.7/24 dev lo; ip -6 addr add 2001:db8::7/64 dev lo nodad"


def _tried(setup: str) -> dict[str, list[list[str]]]:
    done = ran(in_own_network(setup, (sys.executable, "-W", "error", "-c", TRIED, *HOSTS.values())))
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return dict(zip(HOSTS, json.loads(done.stdout), strict=True))


def _rejecting(*, tcp: tuple[str, str], udp: tuple[str, str]) -> str:
    """Return what refuses, over IPv4 and IPv6, what opens a conversation, and lets the refusal itself pass."""
    rules = [
        f"{program} -A INPUT {what} -j REJECT --reject-with {how[family]}"
        for family, program in enumerate(("iptables", "ip6tables"))
        for what, how in (("-p tcp --syn", tcp), ("-p udp", udp))
    ]
    return "; ".join([OURS, *rules])


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("blackhole", ["Unreachable", "EINVAL"]),
        ("unreachable", ["Unreachable", "EHOSTUNREACH"]),
        ("prohibit", ["Unreachable", "EACCES"]),
        ("throw", ["Unreachable", "ENETUNREACH"]),
    ],
)
def test_a_route_that_leads_nowhere_is_no_way_out(kind: str, said: list[str]) -> None:
    need_own_network()
    routes = f"ip route add {kind} 198.51.100.0/24; ip -6 route add {kind} 2001:db8::/64"

    assert _tried(routes) == dict.fromkeys(HOSTS, [said] * 4)


def test_a_pod_without_a_route_gets_nowhere() -> None:
    need_own_network()

    assert _tried("true") == dict.fromkeys(HOSTS, [["Unreachable", "ENETUNREACH"]] * 4)


def test_a_firewall_that_drops_what_arrives_is_silence() -> None:
    need_own_network("iptables", "ip6tables")
    drop = "iptables -A INPUT -d 198.51.100.7 -j DROP; ip6tables -A INPUT -d 2001:db8::7 -j DROP"

    assert _tried(f"{OURS}; {drop}") == dict.fromkeys(HOSTS, [["TimedOut", ""]] * 4)


def test_a_firewall_that_refuses_is_told_by_the_networks_words() -> None:
    need_own_network("iptables", "ip6tables")

    assert _tried(
        _rejecting(tcp=("tcp-reset", "tcp-reset"), udp=("icmp-port-unreachable", "icmp6-port-unreachable"))
    ) == dict.fromkeys(HOSTS, [["Refused", "ECONNREFUSED"]] * 4)


def test_a_firewall_that_prohibits_is_no_way_out() -> None:
    need_own_network("iptables", "ip6tables")
    prohibited = ("icmp-admin-prohibited", "icmp6-adm-prohibited")
    said = _tried(_rejecting(tcp=prohibited, udp=prohibited))

    assert {outcome for tried in said.values() for outcome, _ in tried} == {"Unreachable"}
