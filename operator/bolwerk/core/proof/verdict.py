"""What a run shows: a pure function of what its probes saw.

Called when a run is written down, and again whenever a stored proof is read for one subject: both come to the same,
because both look at nothing but the observations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bolwerk.core.proof.judgement import Judgement, Verdict
from bolwerk.core.proof.task import Arm, Family, Vector
from bolwerk.core.proof.words import some

__all__ = ["CANARIES", "Key", "Saw", "Seen", "judge"]

Key: TypeAlias = tuple[Vector, Family, str]

Saw: TypeAlias = Literal["Reached", "Blocked", "Failed"]

CANARIES: frozenset[Vector] = frozenset({"TCP", "UDP"})
"""The vectors by which a wall shows: whatever else is blocked, these have to be, and only these have a control that
says that they would have got through."""

SEVERITY: tuple[Verdict, ...] = ("Proven", "OverBlocked", "Inconclusive", "Bypass", "NotEnforced")

NAMED = 3
"""How many targets a sentence names."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one target, as it is stored in an IsolationProof.

    Attributes
    ----------
    subject
        `LocalModel namespace/name` or `Namespace name`; empty for the control.
    detail
        What the network, or the kubelet, said.
    """

    subject: str
    arm: Arm
    vector: Vector
    family: Family
    target: str
    outcome: Saw
    detail: str = ""
    attempts: int = 1

    @property
    def key(self) -> Key:
        """What makes two probes have tried the same."""
        return self.vector, self.family, self.target

    def __str__(self) -> str:
        return f"{self.vector} {self.target}"


def judge(seen: Iterable[Seen], families: Iterable[Family], *, subject: str | None = None) -> Judgement:
    """Judge one subject of a run, or the run: its worst subject.

    Parameters
    ----------
    families
        The address families that pods of the node have.
    subject
        The only one to look at; all when None.
    """
    observations = tuple(seen)
    whom = sorted({each.subject for each in observations if each.arm == "Treatment"}) if subject is None else [subject]
    if not whom:
        return Judgement("Inconclusive", "no probe tried what has to be blocked, so nothing was shown")
    judged = [_Run(observations, tuple(families)).judge(each) for each in whom]
    worst = max(judged, key=lambda each: SEVERITY.index(each.verdict))
    if worst.verdict == "Proven" and len(judged) > 1:
        return Judgement("Proven", f"{len(judged)} subjects were blocked where they had to be; {judged[0].message}")
    others = sum(each.verdict == worst.verdict for each in judged) - 1
    return Judgement(worst.verdict, f"{worst.message}{f' ({others} more like it)' if others else ''}")


@dataclass(frozen=True, slots=True)
class _Run:
    seen: Sequence[Seen]
    families: Sequence[Family]

    def judge(self, subject: str) -> Judgement:
        treatments = [each for each in self.seen if (each.arm, each.subject) == ("Treatment", subject)]
        functions = [each for each in self.seen if (each.arm, each.subject) == ("Function", subject)]
        return (
            self._breach(subject, treatments)
            or self._doubt(subject, treatments, functions)
            or self._over_blocked(subject, functions)
            or Judgement("Proven", self._proven(subject, treatments))
        )

    def _controls(self, *outcomes: str) -> set[Key]:
        return {each.key for each in self.seen if each.arm == "Control" and each.outcome in outcomes}

    def _breach(self, subject: str, treatments: Sequence[Seen]) -> Judgement | None:
        reached = [each for each in treatments if each.outcome == "Reached"]
        if not reached:
            return None
        shown = self._controls("Reached")
        canaries = [each for each in treatments if each.vector in CANARIES and each.key in shown]
        if canaries and all(each.outcome == "Reached" for each in canaries):
            return Judgement(
                "NotEnforced",
                f"{subject} reached everything that the control reached ({_list(canaries)}): no network policy is "
                "enforced for it on this node, or none in a pod's first seconds. Look whether the network plugin "
                "enforces policies, and its agent runs here",
            )
        vectors = ", ".join(dict.fromkeys(each.vector for each in reached))
        return Judgement("Bypass", f"{subject} got out by {vectors}: it reached {_list(reached)}. {_mend(reached)}")

    def _doubt(self, subject: str, treatments: Sequence[Seen], functions: Sequence[Seen]) -> Judgement | None:
        failed = next((each for each in (*treatments, *functions) if each.outcome == "Failed"), None)
        if failed:
            return Judgement("Inconclusive", f"{subject}: {failed} shows nothing: {failed.detail or 'no reason given'}")
        if not self.families:
            return Judgement("Inconclusive", f"{subject}: no probe told which address families pods have")
        for family in self.families:
            if why := self._unshown(family, treatments):
                return Judgement("Inconclusive", f"{subject}: {why}")
        return None

    def _unshown(self, family: Family, treatments: Sequence[Seen]) -> str:
        """Return why nothing is known of a family, or nothing where a block of it was shown."""
        control = [each for each in self.seen if each.arm == "Control" and each.family == family]
        canaries = [each for each in control if each.vector in CANARIES]
        reached = {each.key for each in canaries if each.outcome == "Reached"}
        if any(each.key in reached for each in treatments if each.outcome == "Blocked"):
            return ""
        if not canaries:
            return (
                f"pods of this node have {family} addresses and there is no canary of that family: add one to "
                "spec.proof.canaries of the SovereigntyPolicy, or make Bolwerk's own Service dual-stack"
            )
        if not reached:
            first = next((f" ({each.detail})" for each in canaries if each.detail), "")
            return (
                f"the control, which no policy holds, did not get through over {family} either, to none of "
                f"{_list(canaries)}{first}, so that a block shows nothing: look whether the "
                "canaries answer and what else stands between"
            )
        return (
            f"over {family} the control reached {_list([each for each in canaries if each.key in reached])}, and none "
            "of these was tried here: name a canary of that family in spec.proof.canaries of the SovereigntyPolicy"
        )

    def _over_blocked(self, subject: str, functions: Sequence[Seen]) -> Judgement | None:
        """Blame the wall only for what nobody else failed at."""
        down = self._controls("Blocked", "Failed") - self._controls("Reached")
        blocked = [each for each in functions if each.outcome == "Blocked" and each.key not in down]
        if not blocked:
            return None
        return Judgement(
            "OverBlocked",
            f"{subject} is shut in where it has to get through: {_list(blocked)}. Look for a policy that closes it, of "
            "the namespace's own or of the cluster",
        )

    def _proven(self, subject: str, treatments: Sequence[Seen]) -> str:
        shown = self._controls("Reached")
        blocked = [each for each in treatments if each.key in shown]
        return (
            f"{subject} was blocked from all that the control reached, over {' and '.join(self.families)}: "
            f"{_list(blocked)}"
        )


def _mend(reached: Sequence[Seen]) -> str:
    vectors = {each.vector for each in reached}
    if vectors & CANARIES:
        return "Look for a policy that lets it out, by `kubectl get networkpolicies -A` and those of the network plugin"
    if "Name" in vectors:
        return "These names lead outside by a private endpoint: add its network to spec.internal.privateEndpoints"
    if "Proxy" in vectors:
        return "Add the proxy to spec.internal.forwardProxies, or close it to these pods"
    if "Metadata" in vectors:
        return "Close 169.254.169.254 to pods: the network plugin lets it pass"
    return "Close these resolvers to pods: only the cluster's own DNS is needed"


def _list(seen: Sequence[Seen]) -> str:
    return some(list(dict.fromkeys(map(str, seen))), NAMED)
