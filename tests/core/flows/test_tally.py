"""What flows show of exceptions and of what left without one, case by case."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bolwerk.core.flows.found import Flows
from bolwerk.core.report.world import Scope
from core.flows.hubble import TRACE, asked, event, flow, pod, policy, read, world

NAMED = asked(destinations=[{"domain": "*.example.com", "ports": [{"port": 443}]}])
ACCOUNT = asked(subject={"serviceAccountName": "robot"})
HOST: dict[str, Any] = {"destination": {"labels": ["reserved:host"]}}
DNS: dict[str, Any] = {"destination": pod("coredns", namespace="kube-system")}
UDP: dict[str, Any] = {"l4": {"UDP": {"source_port": 1, "destination_port": 443}}}


def outcome(found: Flows) -> str:
    assert found.refused == 0, found.refusals
    used, uncovered = bool(found.uses), bool(found.uncovered)
    assert not (used and uncovered)
    return "used" if used else "uncovered" if uncovered else "nothing"


@pytest.mark.parametrize(
    ("text", "exception", "want"),
    [
        pytest.param(flow(), asked(), "used", id="the verdict about a connection through the hole"),
        pytest.param(flow(**TRACE), asked(), "used", id="a packet through the hole"),
        pytest.param(flow(verdict="REDIRECTED"), asked(), "used", id="handed to the proxy"),
        pytest.param(flow(verdict="AUDIT"), asked(), "used", id="let through by an audit mode of Cilium"),
        pytest.param(flow(verdict="DROPPED"), asked(), "nothing", id="dropped"),
        pytest.param(flow(verdict="ERROR"), asked(), "nothing", id="an error"),
        pytest.param(flow(**{**TRACE, "trace_observation_point": "FROM_ENDPOINT"}), asked(), "nothing",
                     id="seen before the policy has judged it"),
        pytest.param(flow(**{**TRACE, "is_reply": True}), asked(), "nothing", id="a reply"),
        pytest.param(flow(traffic_direction="INGRESS"), asked(), "nothing", id="a verdict about what comes in"),
        pytest.param(flow(event_type={"type": 129}), asked(), "nothing", id="a request that a proxy saw"),
        pytest.param(flow(event_type={"type": 7}, verdict="TRACED"), asked(), "nothing", id="at a socket"),
        pytest.param(flow(to="203.0.114.10"), asked(), "uncovered", id="another network"),
        pytest.param(flow(port=8443), asked(), "uncovered", id="another port"),
        pytest.param(flow(**UDP), asked(), "uncovered", id="another protocol"),
        pytest.param(flow(l4={"ICMPv4": {"type": 8}}), asked(), "uncovered", id="a ping"),
        pytest.param(flow(source=pod("b", app="other")), asked(), "uncovered", id="another pod"),
        pytest.param(flow(source=pod("m", app="translator", **{"bolwerk.dev/model": "m"})), asked(), "uncovered",
                     id="a model, which no exception opens"),
        pytest.param(flow(at="2026-12-01T11:59:59.999999999Z"), asked(), "uncovered", id="before its term"),
        pytest.param(flow(at="2026-12-01T12:00:00Z"), asked(), "used", id="its first moment"),
        pytest.param(flow(at="2026-12-31T11:59:59.999999999Z"), asked(), "used", id="its last moment"),
        pytest.param(flow(at="2026-12-31T12:00:00Z"), asked(), "uncovered", id="when it is over"),
        pytest.param(flow(), asked(status={"phase": "Requested"}), "uncovered", id="it was never opened"),
        pytest.param(flow(destination_names=["api.example.com"]), NAMED, "used", id="a name under a domain"),
        pytest.param(flow(destination_names=["API.Example.com."]), NAMED, "used", id="a name in another spelling"),
        pytest.param(flow(destination_names=["example.com"]), NAMED, "uncovered", id="not the domain itself"),
        pytest.param(flow(destination_names=["badexample.com"]), NAMED, "uncovered", id="a name that ends alike"),
        pytest.param(flow(), NAMED, "uncovered", id="no name is known"),
        pytest.param(flow(source=pod("r", account="robot")), ACCOUNT, "used", id="its ServiceAccount"),
        pytest.param(flow(), ACCOUNT, "uncovered", id="another ServiceAccount"),
        pytest.param(flow(to="10.20.3.4"), asked(), "nothing", id="an internal network"),
        pytest.param(flow(to="10.20.0.8"), asked(), "uncovered", id="a forward proxy in it"),
        pytest.param(flow(**HOST), asked(), "nothing", id="a node"),
        pytest.param(flow(**DNS), asked(), "nothing", id="a pod"),
        pytest.param(flow(to="::ffff:203.0.113.10"), asked(), "used", id="IPv4 written as IPv6"),
        pytest.param(flow(to="2001:db8::1"), asked(), "uncovered", id="IPv6"),
        pytest.param(flow(source=pod("f", namespace="free")), asked(), "nothing", id="nobody governs it"),
        pytest.param(flow(source=pod("f", namespace="free", **{"bolwerk.dev/model": "m"})), asked(), "uncovered",
                     id="a model where nobody governs is sealed all the same"),
        pytest.param(flow(source={"labels": ["reserved:world"]}), asked(), "nothing", id="from outside"),
        pytest.param(flow(to="ff02::2", l4={"ICMPv6": {"type": 133}}), asked(), "nothing", id="a router is looked for"),
        pytest.param(flow(to="169.254.169.254"), asked(), "uncovered", id="where a cloud answers"),
        pytest.param(flow(source={"labels": pod("a", app="translator")["labels"]}), asked(), "used",
                     id="the namespace is among the labels only"),
        pytest.param(flow(source={"labels": ["reserved:host"]}), asked(), "nothing", id="from a node"),
    ],
)  # fmt: skip
def test_what_one_flow_shows(text: str, exception: dict[str, Any], want: str) -> None:
    assert outcome(read(text, cluster=world(exception))) == want


def test_use_is_told_with_numbers_times_pods_and_destinations() -> None:
    found = read(
        flow(at="2026-12-10T09:00:00+01:00"),
        flow(**TRACE, at="2026-12-10T08:00:01Z"),
        flow(source=pod("b", app="translator"), to="203.0.113.11", destination_names=["a.example"]),
        flow(aggregate={"egress_flow_count": 7}, at="2026-12-11T00:00:00Z"),
    )

    (use,) = found.uses
    assert (use.namespace, use.exception, use.records, use.connections) == ("team", "exception-1", 10, 9)
    assert (use.first_at, use.last_at) == ("2026-12-10T08:00:00.000Z", "2026-12-11T00:00:00.000Z")
    assert use.pods == ("team/a", "team/b")
    assert use.destinations == ("203.0.113.10, TCP 443: 9 records", "203.0.113.11 (a.example), TCP 443: 1 records")
    assert (use.untold, use.more) == (0, False)


@pytest.mark.parametrize(
    ("status", "at", "untold"),
    [
        pytest.param({}, "2026-12-01T12:00:00Z", 0, id="told a moment later than it was open"),
        pytest.param({"openedAt": "2026-12-10T12:00:00Z"}, "2026-12-10T08:00:00Z", 1, id="opened only later"),
        pytest.param({"closedAt": "2026-12-09T12:00:00Z"}, "2026-12-10T08:00:00Z", 1, id="closed before"),
        pytest.param({"closedAt": "2026-12-11T12:00:00Z"}, "2026-12-10T08:00:00Z", 0, id="closed later"),
    ],
)
def test_use_while_nobody_told_that_it_was_open_is_set_apart(status: dict[str, str], at: str, untold: int) -> None:
    told = asked(status={"phase": "Open", "openedAt": "2026-12-01T12:00:01Z", **status})

    (use,) = read(flow(at=at), cluster=world(told)).uses

    assert use.untold == untold


@pytest.mark.parametrize(
    ("exception", "text", "want"),
    [
        pytest.param(asked(), flow(at="2027-02-01T00:00:00Z"), "another term", id="over"),
        pytest.param(asked(status={}), flow(), "not told that it was ever opened", id="never opened"),
        pytest.param(asked(), flow(to="198.51.100.1"), "", id="of none"),
    ],
)
def test_what_no_exception_covers_names_those_that_are_near(exception: dict[str, Any], text: str, want: str) -> None:
    (found,) = read(text, cluster=world(exception)).uncovered

    assert (found.namespace, found.pod, found.connections, found.governed) == ("team", "a", 1, "state, Enforce")
    assert want in found.near
    assert bool(found.near) == bool(want)


@pytest.mark.parametrize(
    ("without", "kind", "lacks"),
    [
        ("event_type", {}, "lacks event_type"),
        ("verdict", {}, "lacks verdict"),
        ("source", {}, "lacks source.namespace"),
        ("source.namespace", {"source": {"pod_name": "a"}}, "lacks source.namespace"),
        ("destination", {}, "lacks destination.labels"),
        ("destination.labels", {"destination": {}}, "lacks destination.labels"),
        ("is_reply", TRACE, "lacks is_reply"),
        ("IP", {}, "lacks IP"),
        ("l4", {}, "lacks l4"),
        ("labels", {"source": {"namespace": "team", "pod_name": "a"}}, "lacks source.labels"),
    ],
)
def test_what_a_field_mask_leaves_out_is_counted_and_not_guessed(
    without: str, kind: dict[str, Any], lacks: str
) -> None:
    found = read(flow(without=without, **kind))

    assert found.unjudged == ((lacks, 1),)
    assert (found.uses, found.uncovered) == ((), ())
    free = {**kind, "source": {"namespace": "free"}}
    assert read(flow(without="" if without == "source" else without, **free)).unjudged == (), "nobody asks about it"


def test_of_a_policy_that_means_nothing_nothing_is_judged() -> None:
    found = read(flow(), cluster=world(policies=(policy(mode="Nonsense"),)))

    assert [why for why, _ in found.unjudged] == ["SovereigntyPolicy state means nothing any more"]


def test_what_flows_cover_and_what_they_do_not() -> None:
    away = {"metadata": {"name": "b", "namespace": "team"}, "spec": {"nodeName": "node-2"}}
    found = read(
        flow(at="2026-12-10T08:00:00Z"),
        flow(at="2026-12-09T08:00:00Z"),
        flow(at="2026-12-01T08:00:00Z"),
        event(lost_events={"source": "HUBBLE_RING_BUFFER", "num_events_lost": "12"}),
        event(agent_event={"type": "AGENT_STARTED"}),
        cluster=world(pods=(away,), scope=Scope(since=datetime(2026, 12, 9, tzinfo=UTC))),
    )

    assert (found.first_at, found.last_at) == ("2026-12-09T08:00:00.000Z", "2026-12-10T08:00:00.000Z")
    assert (found.records, found.left_out, found.others, found.lost) == (2, 1, 2, 12)
    assert [(each.node, each.records) for each in found.nodes] == [("node-1", 2)]
    assert found.silent_nodes == ("node-2",)


def test_namespaces_that_are_not_asked_about_are_left_out() -> None:
    found = read(flow(), flow(port=1), cluster=world(scope=Scope(frozenset({"free"}))))

    assert (found.records, found.uses, found.uncovered) == (2, (), ())
