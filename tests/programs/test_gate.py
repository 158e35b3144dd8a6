"""`bolwerk gate`: lets an engine start only where every canary of the pod's families is blocked, and says why not."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bolwerk.programs.gate import ROUNDS, Canary, UnreadableError, canaries_of, wait_until_blocked
from programs.networks import BOLWERK, host, in_own_network, need_own_network, ran, silent

BOTH = "10.244.1.7,fd00:244::7"


class Clock:
    """As many seconds later at each look."""

    def __init__(self, step: float) -> None:
        self.now, self._step = 0.0, step

    def __call__(self) -> float:
        self.now += self._step
        return self.now


@pytest.fixture
def closed() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@pytest.mark.parametrize(
    ("text", "own", "found"),
    [
        ("192.0.2.1:8443", BOTH, ["192.0.2.1:8443"]),
        ("192.0.2.1:8443, [2001:DB8::1]:8443,", BOTH, ["192.0.2.1:8443", "[2001:db8::1]:8443"]),
        ("192.0.2.1:8443,[2001:db8::1]:8443", "10.244.1.7", ["192.0.2.1:8443"]),
        ("192.0.2.1:8443,[2001:db8::1]:8443", "fd00::7", ["[2001:db8::1]:8443"]),
    ],
)
def test_the_canaries_of_the_pods_families(text: str, own: str, found: list[str]) -> None:
    assert [*map(str, canaries_of(text, own))] == found


@pytest.mark.parametrize(
    ("text", "own", "why"),
    [
        ("", BOTH, "none is named"),
        ("[2001:db8::1]:8443", "10.244.1.7", "of a family that this pod has (10.244.1.7)"),
        ("192.0.2.1:8443", "", "(none)"),
        ("canary.example:8443", BOTH, "canary.example"),
        ("192.0.2.1", BOTH, "not what the operator writes"),
        ("192.0.2.1:0", BOTH, "0 is not a port"),
        ("192.0.2.1:99999", BOTH, "99999 is not a port"),
        ("192.0.2.1:8443", "10.244.1", "10.244.1"),
    ],
)
def test_what_leaves_no_canary_is_refused_with_a_sentence(text: str, own: str, why: str) -> None:
    with pytest.raises(UnreadableError) as refused:
        canaries_of(text, own)

    assert why in str(refused.value)


async def test_the_gate_opens_after_three_blocked_rounds(closed: int) -> None:
    said: list[str] = []
    canaries = [Canary("127.0.0.1", closed)]

    assert await wait_until_blocked(canaries, clock=Clock(30), patience=600, pause=0, say=said.append) is None
    assert said == [f"blocked, {each} of 3 times in a row" for each in (1, 2, 3)]


async def test_who_is_refused_waits_whether_the_canary_comes_up(closed: int) -> None:
    """After the restart of a whole cluster a Service without endpoints refuses, as some network plugins do."""
    said: list[str] = []
    canaries = [Canary("127.0.0.1", closed)]

    assert await wait_until_blocked(canaries, clock=Clock(6), patience=60, pause=0, say=said.append) is None
    assert [each.partition(":")[0] for each in said] == [
        "refused",
        "refused",
        "refused",
        "blocked, 3 of 3 times in a row",
    ]


async def test_a_canary_that_comes_up_late_holds(closed: int) -> None:
    async with host(silent) as port:
        canaries = [Canary("127.0.0.1", closed)]

        def say(text: str) -> None:
            if "refused" in text:
                canaries[0] = Canary("127.0.0.1", port)

        held = await wait_until_blocked(canaries, clock=Clock(15), patience=60, pause=0, say=say)

    assert held == Canary("127.0.0.1", port)


async def test_a_canary_that_is_reached_in_between_starts_the_count_anew(closed: int) -> None:
    """The network plugin of a node takes its time for a new pod, and may set rules in steps."""
    said: list[str] = []
    open_in = {2, 3}

    async with host(silent) as port:
        canaries = [Canary("127.0.0.1", closed)]

        def say(text: str) -> None:
            said.append(text)
            canaries[0] = Canary("127.0.0.1", port if len(said) + 1 in open_in else closed)

        assert await wait_until_blocked(canaries, clock=Clock(30), patience=600, pause=0, say=say) is None

    assert [each.startswith("blocked") for each in said] == [True, False, False, True, True, True]
    assert said[1] == f"127.0.0.1:{port} can still be reached"


async def test_one_canary_of_several_that_is_reached_holds(closed: int) -> None:
    async with host(silent) as port:
        canaries = [Canary("127.0.0.1", closed), Canary("127.0.0.1", port)]
        held = await wait_until_blocked(canaries, clock=Clock(20), patience=60, pause=0, say=lambda _: None)

    assert held == canaries[1]


async def test_a_gate_whose_time_is_up_names_no_canary_that_is_blocked(closed: int) -> None:
    """The last looks are still looked at, instead of blaming whoever comes first."""
    assert (
        await wait_until_blocked(
            [Canary("127.0.0.1", closed)], clock=Clock(99), patience=60, pause=0, say=lambda _: None
        )
        is None
    )


async def test_what_cannot_be_tried_is_not_blocked() -> None:
    said: list[str] = []
    canary = Canary("fe80::1%none", 8443)  # the kernel knows no such link

    with pytest.raises(UnreadableError, match="cannot try"):
        await wait_until_blocked([canary], clock=Clock(30), patience=60, pause=0, say=said.append)

    assert said
    assert all(each.startswith("cannot try ") for each in said)


def _gate(canaries: str, own: str, output: Path, setup: str = "true") -> tuple[int, str, str]:
    env = {"BOLWERK_CANARIES": canaries, "POD_IPS": own}
    done = ran(in_own_network(setup, (*BOLWERK, "gate", "--patience", "5", "--output", str(output)), env=env))
    assert "Traceback" not in done.stderr
    return done.returncode, output.read_text() if output.exists() else "", done.stdout


OURS = "ip addr add 192.0.2.1/32 dev lo; ip addr add 2001:db8::1 dev lo nodad"


@pytest.mark.parametrize(
    "wall",
    [
        "ip route add blackhole 192.0.2.1; ip -6 route add blackhole 2001:db8::1",
        f"{OURS}; iptables -A OUTPUT -d 192.0.2.1 -j DROP; ip6tables -A OUTPUT -d 2001:db8::1 -j DROP",
        OURS,  # nobody listens: refused
    ],
    ids=["blackhole", "drop", "refuse"],
)
def test_a_walled_pod_passes(wall: str, tmp_path: Path) -> None:
    need_own_network("iptables", "ip6tables")
    status, words, said = _gate("192.0.2.1:8443,[2001:db8::1]:8443", BOTH, tmp_path / "last-words", wall)

    assert (status, words) == (0, "")
    assert said.splitlines()[-1] == f"blocked, {ROUNDS} of {ROUNDS} times in a row"


@pytest.mark.parametrize(("canaries", "own"), [("", BOTH), ("[2001:db8::1]:8443", "10.244.1.7"), ("nonsense", BOTH)])
def test_a_gate_that_cannot_look_ends_with_another_status(canaries: str, own: str, tmp_path: Path) -> None:
    output = tmp_path / "last-words"
    done = ran([*BOLWERK, "gate", "--output", str(output)], env={"BOLWERK_CANARIES": canaries, "POD_IPS": own})

    assert done.returncode == 2
    assert output.read_text() == done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_a_pod_with_no_wall_is_held_and_told_which_canary_it_reaches(tmp_path: Path) -> None:
    """Before real canaries, over both families, of which one is blocked."""
    need_own_network()
    canary = f"{BOLWERK[0]} -c '{BOLWERK[2]}' canary >{tmp_path}/ready &"
    setup = (
        "ip addr add 192.0.2.1/32 dev lo; ip -6 route add prohibit 2001:db8::1; "
        f"{canary} until grep -q answering {tmp_path}/ready; do sleep 0.1; done"
    )
    status, words, said = _gate("192.0.2.1:8443,[2001:db8::1]:8443", BOTH, tmp_path / "last-words", setup)

    assert status == 1
    assert words.startswith("192.0.2.1:8443 can be reached from this pod although its network policy denies it: ")
    assert "blocked" not in said
