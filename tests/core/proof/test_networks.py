"""Networks that hold and networks that leak: each gets the verdict that it deserves."""

from __future__ import annotations

import pytest

from core.proof.cluster import MODEL, SERVICE, Cluster
from core.proof.networks import Network, but, is_canary, is_control, is_out, open_to_all, walled

LEAK_6: Network = but(walled, "Connected", when=lambda t, p: is_out(t, p) and t.family == "IPv6" and t.vector == "TCP")
DEAF: Network = but(walled, "TimedOut", when=lambda t, _: is_canary(t))
NO_6: Network = but(walled, "Unreachable", when=lambda t, _: t.family == "IPv6", d="ENETUNREACH")


@pytest.mark.parametrize(
    ("network", "verdict", "words"),
    [
        pytest.param(open_to_all, "NotEnforced", "LocalModel ai/llama reached everything", id="nothing is enforced"),
        pytest.param(LEAK_6, "Bypass", "by TCP: it reached TCP [", id="IPv6 leaks"),
        pytest.param(DEAF, "Inconclusive", "did not get through over IPv4 either", id="there is no control"),
        pytest.param(
            NO_6,
            "Inconclusive",
            "did not get through over IPv6 either, to none of TCP [fd00",
            id="pods have IPv6 and no canary is reached by it",
        ),
        pytest.param(
            but(walled, "Connected", when=lambda t, p: is_out(t, p) and t.vector == "Proxy"),
            "Bypass",
            "Proxy 10.20.1.3:3128 to 203.0.113.10:443",
            id="a proxy within",
        ),
        pytest.param(
            but(walled, "Answered", when=lambda t, p: is_out(t, p) and t.to == "api.chat.com", d="10.20.9.9"),
            "Bypass",
            "by Name: it reached Name api.chat.com",
            id="a private endpoint",
        ),
        pytest.param(
            but(
                walled,
                "Answered",
                when=lambda t, p: is_out(t, p) and t.to == "api.chat.com",
                d="10.20.1.3,198.51.100.7",
            ),
            "Proven",
            "was blocked from all",
            id="a name that leads where the wall is",
        ),
        pytest.param(
            but(walled, "TimedOut", when=lambda t, _: t.arm == "Function" and t.vector == "DNS"),
            "OverBlocked",
            "Namespace ai is shut in where it has to get through: DNS the cluster's DNS",
            id="names do not resolve",
        ),
        pytest.param(
            but(walled, "Refused", when=is_out, d="ECONNREFUSED"), "Proven", "was blocked", id="a wall that refuses"
        ),
        pytest.param(
            but(walled, "Refused", when=lambda t, _: t.vector == "Proxy", d="407"),
            "Bypass",
            "by Proxy",
            id="a proxy that declines everybody was asked by everybody",
        ),
        pytest.param(
            but(walled, "Refused", when=lambda t, p: is_out(t, p) and t.vector == "Proxy", d="403"),
            "Proven",
            "was blocked",
            id="a proxy that declines only those that it should",
        ),
        pytest.param(
            but(walled, "Refused", when=lambda t, _: t.address == "10.96.0.99", d="ECONNREFUSED"),
            "Inconclusive",
            "LocalModel ai/llama: TCP 10.96.0.99:8443 shows nothing: Refused: ECONNREFUSED, and the control did not",
            id="a canary that is down refuses everybody",
        ),
        pytest.param(
            but(
                but(walled, "Refused", when=is_out, d="ECONNREFUSED"),
                "Refused",
                when=lambda t, p: t.vector == "Proxy" and is_control(p),
                d="ECONNREFUSED",
            ),
            "Proven",
            "was blocked",
            id="a wall that refuses, and a proxy that is down",
        ),
        pytest.param(
            but(walled, "Failed", when=lambda t, p: is_out(t, p) and t.family == "IPv6", d="EAFNOSUPPORT"),
            "Inconclusive",
            "shows nothing: Failed: EAFNOSUPPORT",
            id="a family that was not tried",
        ),
        pytest.param(
            but(walled, "Refused", when=lambda t, p: is_out(t, p) and t.vector == "DNS", d="REFUSED"),
            "Bypass",
            "by DNS",
            id="a resolver that says no was reached",
        ),
        pytest.param(
            but(walled, "NoSuchName", when=lambda t, p: is_out(t, p) and t.vector == "DNS"),
            "Bypass",
            "by DNS",
            id="a resolver that knows no such name was reached",
        ),
        pytest.param(
            but(walled, "Connected", when=lambda t, p: is_out(t, p) and t.vector == "Metadata"),
            "Bypass",
            "by Metadata",
            id="metadata",
        ),
        pytest.param(
            but(walled, "Refused", when=lambda t, p: is_out(t, p) and t.vector == "Metadata"),
            "Proven",
            "was blocked",
            id="nobody at the metadata address",
        ),
    ],
)
def test_a_network_gets_the_verdict_that_it_deserves(network: Network, verdict: str, words: str) -> None:
    proof = Cluster(network=network).measure()

    assert proof["verdict"] == verdict, proof["message"]
    assert words in proof["message"]


def test_ipv4_only_is_proven_for_ipv4_only() -> None:
    proof = Cluster(network=NO_6, families=("10.244.1.{}",)).measure()

    assert (proof["verdict"], proof["families"]) == ("Proven", ["IPv4"])


def test_a_pod_without_ipv6_need_not_be_able_to_try_it() -> None:
    unable = but(walled, "Failed", when=lambda t, _: t.family == "IPv6", d="EAFNOSUPPORT")
    proof = Cluster(network=unable, families=("10.244.1.{}",)).measure()

    assert (proof["verdict"], proof["families"]) == ("Proven", ["IPv4"])


def test_air_gapped_the_own_canary_is_the_control() -> None:
    inside = but(walled, "TimedOut", when=lambda t, _: is_canary(t) and not t.address.startswith(("10.96", "fd00:96")))
    proof = Cluster(network=inside, policies=()).measure()
    gapped = Cluster(network=inside).measure()

    assert (proof["verdict"], proof["airGapped"]) == ("Proven", True)
    assert gapped["airGapped"]
    assert gapped["verdict"] == "Inconclusive", "the wall of a governed namespace lets its own canary through"
    assert "Namespace ai" in gapped["message"]
    assert not Cluster().measure()["airGapped"]


def test_a_client_that_does_not_get_through_is_told() -> None:
    serving = {**MODEL, "status": {"readyReplicas": 1}}
    shut = but(walled, "TimedOut", when=lambda t, _: t.address == "10.96.0.7")
    proof = Cluster(models=(serving,), network=shut).measure()

    assert proof["verdict"] == "OverBlocked"
    assert "LocalModel ai/llama" in proof["message"]
    assert Cluster(models=(serving,)).measure()["verdict"] == "Proven"


def test_a_model_that_is_out_of_service_need_not_answer() -> None:
    serving = {**MODEL, "status": {"readyReplicas": 1}}
    out_of_service = {
        **SERVICE,
        "spec": {**SERVICE["spec"], "selector": {"bolwerk.dev/out-of-service": "not-isolated"}},
    }
    proof = Cluster(
        models=(serving,),
        services=(out_of_service,),
        network=but(walled, "TimedOut", when=lambda t, _: t.address == "10.96.0.7"),
    ).measure()

    assert proof["verdict"] == "Proven"
    assert any("out of service" in each for each in proof["notChecked"]["reasons"])
