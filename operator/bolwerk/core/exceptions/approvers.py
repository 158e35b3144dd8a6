"""Whose approvals of an exception count.

Nobody counts who asked for it, nobody twice, and no approval of another uid: what was approved is what was read. The
API server sees to that when an approval is made; here it is seen to again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from bolwerk.api.egressapproval import EgressApprovalSpec
from bolwerk.api.person import Person

__all__ = ["Approvers", "of_exception"]

SERVICE_ACCOUNT = "system:serviceaccount:"
SECOND_PERSON = 2
"""So many people take part in a decision of which nobody knows who asked for it."""


@dataclass(frozen=True, slots=True)
class Approvers:
    """Who counts.

    Attributes
    ----------
    requester
        Who asked, or an empty string where the API server was not told to write that down.
    cluster
        Users whom the API server knew as those who approved.
    git
        People whom Git attests, through a ServiceAccount.
    """

    requester: str
    cluster: tuple[str, ...]
    git: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Everybody who counts, each once."""
        return _each_once((*self.cluster, *self.git))

    @property
    def from_git(self) -> bool:
        """Whether a ServiceAccount asked, so that the person behind it is not known to the API server."""
        return self.requester.startswith(SERVICE_ACCOUNT)

    def needed(self, approvals: int) -> int:
        """Return how many have to approve, where the policy asks for `approvals`.

        Whoever wrote a request into Git may also be the one who approves it in the cluster, so one is not enough then;
        what Git attests names the author and is.
        """
        return max(approvals, SECOND_PERSON) if self.from_git and not self.git else approvals

    def attested_by(self, needed: int) -> Literal["Cluster", "Git"] | None:
        """Return who attests that enough people have decided, or None while they have not."""
        if len(self.cluster) >= needed and not (self.from_git and len(self.cluster) < SECOND_PERSON):
            return "Cluster"
        return "Git" if self.git and len(self.all) >= needed else None


def of_exception(exception: Mapping[str, Any], approvals: Iterable[Mapping[str, Any]]) -> Approvers:
    """Return whose approvals count for an exception, both as the API server has them."""
    requester = _person((exception.get("spec") or {}).get("requestedBy"))
    cluster: list[str] = []
    git: list[str] = []
    for approval in approvals:
        spec = _approval(approval) if _names(approval, exception) else None
        if spec is None or spec.approved_by is None:
            continue
        by = spec.approved_by
        if spec.git is not None:
            if by.username.startswith(SERVICE_ACCOUNT):
                git.extend(each for each in spec.git.reviewers if not _same(each, spec.git.author))
        elif not by.username.startswith(SERVICE_ACCOUNT) and not _is(by, requester):
            cluster.append(by.username)
    asked = requester.username if requester else ""
    return Approvers(asked, _each_once(sorted(cluster)), _each_once(sorted(x for x in git if not _same(x, asked))))


def _approval(approval: Mapping[str, Any]) -> EgressApprovalSpec | None:
    """Return the spec; None for one that was stored under another CRD and means nothing any more."""
    try:
        return EgressApprovalSpec.model_validate(approval.get("spec") or {})
    except ValidationError:
        return None


def _names(approval: Mapping[str, Any], exception: Mapping[str, Any]) -> bool:
    """Whether an approval that is not being deleted is of exactly this exception."""
    mine, theirs = approval["metadata"], exception["metadata"]
    named = (approval.get("spec") or {}).get("exception") or {}
    return not mine.get("deletionTimestamp") and (mine.get("namespace"), named.get("name"), named.get("uid")) == (
        theirs.get("namespace"),
        theirs["name"],
        theirs["uid"],
    )


def _person(stored: Any) -> Person | None:
    try:
        return Person.model_validate(stored)
    except ValidationError:
        return None


def _is(person: Person, requester: Person | None) -> bool:
    """Whether both are one person: by name, or by the uid that the API server's authenticator gave."""
    if requester is None:
        return False
    return _same(person.username, requester.username) or bool(person.uid and person.uid == requester.uid)


def _each_once(people: Iterable[str]) -> tuple[str, ...]:
    return tuple({person.casefold(): person for person in people}.values())


def _same(one: str, other: str) -> bool:
    """User names are not told apart by case by everybody who keeps them."""
    return one.casefold() == other.casefold()
