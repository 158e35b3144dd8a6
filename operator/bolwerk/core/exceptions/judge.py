"""What became of an exception: what the policy says of it, who has approved it, and whether its time has come.

Called by the policy's reconciliation before anything is opened, and by the exception's for its status; reports and
commands ask here too. The API server refuses most of what is found here when it is written; the operator judges again,
because what is stored may be older than these rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from bolwerk.api.egressexception import EgressExceptionSpec
from bolwerk.api.sovereigntypolicy import Exceptions, SovereigntyPolicySpec
from bolwerk.core.egress.networks import parsed as networks
from bolwerk.core.exceptions import validity
from bolwerk.core.exceptions.approvers import Approvers, of_exception
from bolwerk.core.exceptions.clocks import difference
from bolwerk.core.invalid import InvalidSpecError, parsed
from bolwerk.core.reasons import Reason

__all__ = ["Judgement", "Phase", "judge"]

REQUESTER_UNKNOWN = (
    "nobody knows who asked for it, so nobody can be told apart from them; delete it and ask anew while the rules of "
    "the chart are in force"
)

Phase = Literal["Requested", "Approved", "Open", "Expired", "Refused"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of one exception.

    Attributes
    ----------
    phase
        `Open` says that it has to be open now; whether it is, the policy's status says.
    reason, sentence
        Why this phase, and what to do.
    approvers
        Whose approvals count, each person once, in order.
    four_eyes
        Who attests that at least two people decided, or None while too few have.
    """

    phase: Phase
    reason: Reason
    sentence: str
    approvers: tuple[str, ...] = ()
    four_eyes: Literal["Cluster", "Git"] | None = None


def judge(
    exception: Mapping[str, Any],
    approvals: Iterable[Mapping[str, Any]],
    policy: SovereigntyPolicySpec | None,
    *now: datetime,
) -> Judgement:
    """Judge an exception, as the API server has it.

    Parameters
    ----------
    approvals
        EgressApprovals of its namespace; those that name another exception or uid are left out here.
    policy
        The spec of the SovereigntyPolicy that governs its namespace, or None.
    now
        What every clock says that counts.
    """
    found = of_exception(exception, approvals)
    needed = found.needed(policy.exceptions.approvals) if policy else 0
    four_eyes = found.attested_by(needed) if policy else None

    def so(phase: Phase, reason: Reason, sentence: str) -> Judgement:
        return Judgement(phase, reason, sentence, found.all, four_eyes)

    if all(validity.has_ended(exception, each) for each in now):
        return so("Expired", Reason.EXPIRED, f"its term ended at {validity.term(exception)[1]}; ask anew with renews")
    objection = _objection(exception, policy, found)
    if objection:
        return so("Refused", *objection)
    if four_eyes is None:
        return so("Requested", Reason.TOO_FEW_APPROVALS, _too_few(found, needed))
    by = f"approved by {', '.join(found.all)}"
    if not any(validity.has_begun(exception, each) for each in now):
        return so("Approved", Reason.NOT_YET_VALID, f"{by}; opens at {validity.term(exception)[0]}")
    if not validity.is_active(exception, *now):
        doubt = f"{difference(*now)}, and only one of them says that it is in its term: have the nodes set their clocks"
        return so("Approved", Reason.CLOCKS_DIFFER, f"{by}; not open, because {doubt}")
    return so("Open", Reason.APPROVED, by)


def _objection(
    exception: Mapping[str, Any], policy: SovereigntyPolicySpec | None, found: Approvers
) -> tuple[Reason, str] | None:
    """Return why it is never opened, however many approve it."""
    try:
        spec = parsed(EgressExceptionSpec, exception.get("spec"))
        networks((each.network for each in spec.destinations if each.network is not None), "spec.destinations")
    except InvalidSpecError as error:
        return Reason.INVALID_SPEC, f"{error}, in a new exception"
    if policy is None:
        return Reason.NOT_GOVERNED, "no SovereigntyPolicy governs its namespace, so there is no wall to open; delete it"
    if not found.requester:
        return Reason.REQUESTER_UNKNOWN, REQUESTER_UNKNOWN
    return _out_of_bounds(exception, spec, policy.exceptions)


def _out_of_bounds(
    exception: Mapping[str, Any], spec: EgressExceptionSpec, bounds: Exceptions
) -> tuple[Reason, str] | None:
    if bounds.grounds and spec.ground not in bounds.grounds:
        return (
            Reason.GROUND_NOT_ALLOWED,
            f"the SovereigntyPolicy does not allow the ground {spec.ground}; it allows {', '.join(bounds.grounds)}",
        )
    refused = _destination_not_allowed(spec, bounds.groups)
    if refused:
        return Reason.DESTINATION_NOT_ALLOWED, refused
    if validity.lasts(exception) > timedelta(days=bounds.longest_days):
        return (
            Reason.TOO_LONG,
            f"the SovereigntyPolicy allows at most {bounds.longest_days} days; ask anew for a shorter term",
        )
    return None


def _destination_not_allowed(spec: EgressExceptionSpec, allowed: tuple[str, ...]) -> str | None:
    """Where only some groups are allowed, a name or network would lead around that."""
    if not allowed:
        return None
    for destination in spec.destinations:
        if destination.catalogue_group is None:
            what = destination.domain or destination.network
            return (
                f"the SovereigntyPolicy allows only catalogue groups, so {what} cannot be asked for by itself; name "
                f"one of {', '.join(allowed)}, or have the platform team add it to spec.catalogue.entries"
            )
        if destination.catalogue_group not in allowed:
            return (
                f"the SovereigntyPolicy does not allow the group {destination.catalogue_group}; it allows "
                f"{', '.join(allowed)}"
            )
    return None


def _too_few(found: Approvers, needed: int) -> str:
    have = f"{len(found.all)} of {needed} approvals"
    by = f" (by {', '.join(found.all)})" if found.all else ""
    if found.from_git:
        return (
            f"{have}{by}: a ServiceAccount asked, which hides who did, so it takes {needed} different people, or one "
            "whom Git attests"
        )
    return f"{have}{by}: somebody else than {found.requester} has to create an EgressApproval of this uid"
