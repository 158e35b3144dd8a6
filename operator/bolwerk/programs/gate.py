"""The gate: waits, in a model's own network namespace, until nobody outside can be reached from there.

It has no control of its own. That a canary cannot be reached may also mean that there is none, so the gate is what has
to be seen before an engine starts, and not yet a proof: that is the runs' matter, which try the same canary from a pod
that nothing holds. A refused connection counts as blocked, for some network plugins refuse instead of dropping, but
only after a while: so does a canary that is not up yet, as after the restart of a whole cluster.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bolwerk.core.proof.document import Outcome
from bolwerk.programs import attempt
from bolwerk.programs.attempt import GOT_THROUGH

__all__ = ["Canary", "UnreadableError", "canaries_of", "wait_until_blocked"]

ROUNDS = 3
"""So often in a row every canary has to be blocked: a network plugin may still be busy with a new pod."""
ROUND_SECONDS = 1.0
REFUSED_SECONDS = 20.0
"""So long refusals may mean that the canary is just starting."""
BLOCKED: frozenset[Outcome] = frozenset({"Refused", "TimedOut", "Unreachable"})


class UnreadableError(ValueError):
    """The gate cannot see whether anything gets out; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Canary:
    """An address and port that must not be reached."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def canaries_of(text: str, addresses: str) -> list[Canary]:
    """Read `host:port,[v6]:port` and keep the families that the pod has.

    Parameters
    ----------
    addresses
        The pod's own, separated by commas.

    Raises
    ------
    UnreadableError
        If that leaves none, or one is not an address and a port.
    """
    try:
        families = {ipaddress.ip_address(each).version for each in addresses.split(",") if each}
        canaries = [_canary(each.strip()) for each in text.split(",") if each.strip()]
    except ValueError as error:
        raise UnreadableError(f"BOLWERK_CANARIES or POD_IPS is not what the operator writes: {error}") from error
    usable = [each for each in canaries if ipaddress.ip_address(each.address).version in families]
    if not usable:
        raise UnreadableError(
            f"no canary ({text or 'none is named'}) has an address of a family that this pod has ({addresses or 'none'}"
            "): see that the Service of Bolwerk's canary is there, in the same families as pods"
        )
    return usable


async def wait_until_blocked(
    canaries: Sequence[Canary],
    *,
    clock: Callable[[], float] = time.monotonic,
    patience: float,
    pause: float = ROUND_SECONDS,
    say: Callable[[str], None],
) -> Canary | None:
    """Return None once all were blocked several times in a row, or after `patience` seconds the one that is reached.

    Raises
    ------
    UnreadableError
        If after `patience` seconds one still cannot be tried at all.
    """
    began = clock()
    in_a_row = 0
    while True:
        said = await asyncio.gather(
            *(attempt.connect(each.address, each.port, seconds=ROUND_SECONDS) for each in canaries)
        )
        tried = list(zip(canaries, said, strict=True))
        reached = next((each for each, (outcome, _) in tried if outcome in GOT_THROUGH), None)
        untried = [f"{each} ({why})" for each, (outcome, why) in tried if outcome not in GOT_THROUGH | BLOCKED]
        in_a_row = 0 if reached or untried else in_a_row + 1
        looked = clock() - began
        is_early = looked < min(REFUSED_SECONDS, patience) and any(outcome == "Refused" for outcome, _ in said)
        if reached:
            say(f"{reached} can still be reached")
        elif untried:
            say(f"cannot try {', '.join(untried)}")
        elif is_early:
            say("refused: blocked, or the canary is not up yet")
        else:
            say(f"blocked, {min(in_a_row, ROUNDS)} of {ROUNDS} times in a row")
        if in_a_row >= ROUNDS and not is_early:
            return None
        if looked > patience and reached:
            return reached
        if looked > patience and untried:
            raise UnreadableError(f"this pod's kernel cannot try {', '.join(untried)}: look at the pod's network")
        await asyncio.sleep(pause)


def _canary(text: str) -> Canary:
    host, _, port = text.rpartition(":")
    number = int(port)
    if not 0 < number < 1 << 16:
        raise ValueError(f"{port} is not a port")
    return Canary(str(ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))), number)
