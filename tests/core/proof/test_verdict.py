"""Verdicts: what a run shows, from its observations alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bolwerk.core.proof.task import Family, Vector
from bolwerk.core.proof.verdict import CANARIES, SEVERITY, Seen, judge

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # others use the machine too
MODEL, TEAM = "LocalModel ai/llama", "Namespace team"
V4, V6 = "203.0.113.10:443", "[2001:db8::10]:443"
BOTH: tuple[Family, ...] = ("IPv4", "IPv6")


def seen(arm: str, outcome: str, target: str = V4, *, vector: str = "TCP", subject: str = MODEL, **more: Any) -> Seen:
    family = "IPv6" if target.startswith("[") else "IPv4"
    whose = "" if arm == "Control" else subject
    return Seen(**{"subject": whose, "arm": arm, "vector": vector, "family": family, "target": target,
                   "outcome": outcome, **more})  # fmt: skip


REACHED, UNREACHED = seen("Control", "Reached"), seen("Control", "Blocked", detail="TimedOut")
BLOCKED, OUT = seen("Treatment", "Blocked"), seen("Treatment", "Reached")
REACHED_6, BLOCKED_6, OUT_6 = (
    seen("Control", "Reached", V6),
    seen("Treatment", "Blocked", V6),
    seen("Treatment", "Reached", V6),
)
UDP = [seen("Control", "Reached", vector="UDP"), seen("Treatment", "Blocked", vector="UDP")]
METADATA = seen("Treatment", "Blocked", "169.254.169.254:80", vector="Metadata")
DNS = seen("Control", "Reached", "the cluster's DNS", vector="DNS")
ASKS = seen("Function", "Reached", "the cluster's DNS", vector="DNS")


@pytest.mark.parametrize(
    ("observations", "families", "verdict", "words"),
    [
        pytest.param([REACHED, BLOCKED], ("IPv4",), "Proven", ["over IPv4", V4], id="blocked"),
        pytest.param([REACHED, BLOCKED, REACHED_6, BLOCKED_6, *UDP], BOTH, "Proven", ["IPv4 and IPv6"], id="both"),
        pytest.param([REACHED, BLOCKED, METADATA, DNS, ASKS], ("IPv4",), "Proven", [MODEL], id="all that may be there"),
        pytest.param([REACHED, BLOCKED, seen("Control", "Blocked", "192.0.2.9:1")], ("IPv4",), "Proven", [V4],
                     id="another canary is down"),
        pytest.param([REACHED, OUT], ("IPv4",), "NotEnforced", [MODEL, f"TCP {V4}", "plugin"], id="all reached"),
        pytest.param([REACHED, OUT, METADATA], ("IPv4",), "NotEnforced", [V4], id="all but the metadata address"),
        pytest.param([REACHED, OUT, REACHED_6, BLOCKED_6], BOTH, "Bypass", ["by TCP", V4, "kubectl get networkpol"],
                     id="IPv4 leaks"),
        pytest.param([REACHED, BLOCKED, REACHED_6, OUT_6], BOTH, "Bypass", ["by TCP", V6], id="IPv6 leaks"),
        pytest.param([REACHED, BLOCKED, UDP[0], seen("Treatment", "Reached", vector="UDP")], ("IPv4",), "Bypass",
                     ["by UDP"], id="UDP leaks"),
        pytest.param([REACHED, BLOCKED, replace(METADATA, outcome="Reached")], ("IPv4",), "Bypass",
                     ["by Metadata", "169.254.169.254", "Close"], id="metadata"),
        pytest.param([REACHED, BLOCKED, seen("Treatment", "Reached", "10.0.0.9:3128", vector="Proxy")], ("IPv4",),
                     "Bypass", ["by Proxy", "10.0.0.9:3128", "spec.internal.forwardProxies"], id="proxy"),
        pytest.param([REACHED, BLOCKED, seen("Treatment", "Reached", "198.51.100.53:53", vector="DNS")], ("IPv4",),
                     "Bypass", ["by DNS", "198.51.100.53:53", "resolvers"], id="resolver"),
        pytest.param([REACHED, BLOCKED, seen("Treatment", "Reached", "api.chat.example", vector="Name")], ("IPv4",),
                     "Bypass", ["by Name", "api.chat.example", "privateEndpoints"], id="private endpoint"),
        pytest.param([UNREACHED, OUT], ("IPv4",), "Bypass", [V4], id="reached what the control did not"),
        pytest.param([OUT], ("IPv4",), "Bypass", [V4], id="reached without any control"),
        pytest.param([UNREACHED, BLOCKED], ("IPv4",), "Inconclusive", ["did not get through", "TimedOut", V4],
                     id="the control did not get through"),
        pytest.param([BLOCKED], ("IPv4",), "Inconclusive", ["no canary of that family"], id="no control"),
        pytest.param([DNS, BLOCKED, METADATA], ("IPv4",), "Inconclusive", ["no canary"],
                     id="a control that only asked for names"),
        pytest.param([REACHED, BLOCKED], BOTH, "Inconclusive", ["IPv6", "spec.proof.canaries"], id="IPv6 not tried"),
        pytest.param([REACHED, BLOCKED, REACHED_6], BOTH, "Inconclusive", ["over IPv6 the control reached", V6],
                     id="IPv6 only by the control"),
        pytest.param([REACHED, BLOCKED, BLOCKED_6], BOTH, "Inconclusive", ["no canary of that family"],
                     id="IPv6 without the control"),
        pytest.param([REACHED, seen("Treatment", "Blocked", "192.0.2.9:1")], ("IPv4",), "Inconclusive",
                     ["none of these was tried"], id="another target than the control's"),
        pytest.param([REACHED, METADATA], ("IPv4",), "Inconclusive", ["none of these was tried"],
                     id="only the metadata address"),
        pytest.param([REACHED, seen("Treatment", "Failed", detail="ErrImagePull: no such image")], ("IPv4",),
                     "Inconclusive", ["shows nothing: ErrImagePull"], id="a pod that never ran"),
        pytest.param([REACHED, BLOCKED, seen("Function", "Failed", detail="OutOfpods")], ("IPv4",), "Inconclusive",
                     ["OutOfpods"], id="a function that was not tried"),
        pytest.param([REACHED, BLOCKED], (), "Inconclusive", ["which address families"], id="no families"),
        pytest.param([REACHED], ("IPv4",), "Inconclusive", ["no probe tried"], id="nobody"),
        pytest.param([], ("IPv4",), "Inconclusive", ["no probe tried"], id="nothing at all"),
        pytest.param([REACHED, BLOCKED, DNS, replace(ASKS, outcome="Blocked")], ("IPv4",), "OverBlocked",
                     ["DNS the cluster's DNS", "shut in"], id="names do not resolve"),
        pytest.param([REACHED, BLOCKED, replace(DNS, outcome="Blocked"), replace(ASKS, outcome="Blocked")], ("IPv4",),
                     "Proven", [MODEL], id="names do not resolve for anybody"),
        pytest.param([REACHED, BLOCKED, seen("Function", "Blocked", "10.96.0.7:8000")], ("IPv4",), "OverBlocked",
                     ["10.96.0.7:8000"], id="a client does not get through"),
        pytest.param([REACHED, OUT, seen("Function", "Blocked", "10.96.0.7:8000")], ("IPv4",), "NotEnforced", [V4],
                     id="a breach before anything else"),
        pytest.param([REACHED, BLOCKED, replace(BLOCKED, subject=TEAM)], ("IPv4",), "Proven", ["2 subjects"], id="two"),
        pytest.param([REACHED, BLOCKED, replace(OUT, subject=TEAM)], ("IPv4",), "NotEnforced", [TEAM], id="one of two"),
        pytest.param([REACHED, OUT, replace(OUT, subject=TEAM)], ("IPv4",), "NotEnforced", ["1 more like it"],
                     id="both of two"),
        pytest.param([REACHED, BLOCKED, seen("Treatment", "Failed", subject=TEAM, detail="quota")], ("IPv4",),
                     "Inconclusive", [TEAM, "quota"], id="one of two was not tried"),
    ],
)  # fmt: skip
def test_a_run(observations: list[Seen], families: tuple[Family, ...], verdict: str, words: list[str]) -> None:
    judged = judge(observations, families)

    assert judged.verdict == verdict, judged.message
    for each in words:
        assert each in judged.message


def test_a_subject_is_judged_by_what_is_its_own() -> None:
    observations = [REACHED, BLOCKED, replace(OUT, subject=TEAM)]

    assert judge(observations, ("IPv4",), subject=MODEL).verdict == "Proven"
    assert judge(observations, ("IPv4",), subject=TEAM).verdict == "NotEnforced"
    assert judge(observations, ("IPv4",), subject="LocalModel ai/other").verdict == "Inconclusive"


VECTORS: list[Vector] = ["TCP", "UDP", "DNS", "Proxy", "Metadata", "Name"]
OBSERVATIONS = st.lists(
    st.builds(
        seen,
        st.sampled_from(["Control", "Treatment", "Function"]),
        st.sampled_from(["Reached", "Blocked", "Failed"]),
        st.sampled_from([V4, V6, "192.0.2.9:1", "[2001:db8::99]:1"]),
        vector=st.sampled_from(VECTORS),
        subject=st.sampled_from([MODEL, TEAM]),
    ),
    max_size=14,
)
FAMILIES = st.sampled_from([("IPv4",), ("IPv6",), BOTH])


@UNHURRIED
@given(OBSERVATIONS, FAMILIES)
def test_proven_is_never_said_of_what_was_not_shown(observations: list[Seen], families: tuple[Family, ...]) -> None:
    if judge(observations, families).verdict != "Proven":
        return

    treatments = [each for each in observations if each.arm == "Treatment"]
    assert all(each.outcome == "Blocked" for each in treatments)
    for subject in {each.subject for each in treatments}:
        for family in families:
            controls = {each.key for each in observations if (each.arm, each.outcome) == ("Control", "Reached")}
            shown = [each for each in treatments if (each.subject, each.family) == (subject, family)]
            assert any(each.vector in CANARIES and each.key in controls for each in shown)


@UNHURRIED
@given(OBSERVATIONS, FAMILIES, st.integers(0, 13))
def test_what_gets_out_never_makes_it_better(
    observations: list[Seen], families: tuple[Family, ...], place: int
) -> None:
    before = judge(observations, families)
    for vector in VECTORS:
        worse = [*observations[:place], seen("Treatment", "Reached", vector=vector), *observations[place:]]
        after = judge(worse, families)
        assert SEVERITY.index(after.verdict) >= SEVERITY.index(before.verdict)
        assert after.verdict in ("Bypass", "NotEnforced")


@UNHURRIED
@given(OBSERVATIONS, FAMILIES)
def test_a_control_that_fails_never_makes_it_proven(observations: list[Seen], families: tuple[Family, ...]) -> None:
    blind = [replace(each, outcome="Blocked") if each.arm == "Control" else each for each in observations]

    assert judge(blind, families).verdict != "Proven"


@UNHURRIED
@given(OBSERVATIONS, FAMILIES, st.randoms())
def test_the_order_of_observations_says_nothing(
    observations: list[Seen], families: tuple[Family, ...], random: Any
) -> None:
    shuffled = [*observations]
    random.shuffle(shuffled)

    assert judge(shuffled, families).verdict == judge(observations, families).verdict
