"""The register of exceptions: who asked, who approved, on which ground, until when, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bolwerk.api.sovereigntypolicy import SovereigntyPolicySpec
from bolwerk.core.exceptions import validity
from bolwerk.core.exceptions.judge import Judgement, judge
from bolwerk.core.flows.found import Flows, Use
from bolwerk.core.invalid import InvalidSpecError, parsed
from bolwerk.core.report.facts import ApprovalFacts, ExceptionFacts, Exceptions
from bolwerk.core.report.guards import guards
from bolwerk.core.report.reading import at, key, name_of, namespace_of, texts
from bolwerk.core.report.world import World

__all__ = ["exceptions"]

NOT_SERVED = "The API server serves no EgressExceptions: nobody can have asked for one, and none can be open."
NONE = "There is no EgressException."
USE_UNKNOWN = "not known: no flow records were given (--flows)"

Object = Mapping[str, Any]


def exceptions(world: World, governing: Mapping[str, str], now: datetime) -> Exceptions:
    """Return the register of the namespaces asked about."""
    if world.exceptions is None:
        return Exceptions(known=False, remark=NOT_SERVED, deleted=_deleted((), world))
    mine = sorted((each for each in world.exceptions if world.scope.has(namespace_of(each))), key=key)
    present = [each for each in mine if not _was_over(each, world.scope.since)]
    by_name = {name_of(each): each for each in world.policies}
    uses = {each.uid: each for each in world.flows.uses} if world.flows else {}
    items = tuple(
        _facts(
            _Known(each, by_name.get(governing.get(namespace_of(each), "")), world.flows, uses),
            world.approvals or (),
            now,
        )
        for each in present
    )
    return Exceptions(
        known=True,
        remark="" if mine else NONE,
        items=items,
        over=len(mine) - len(present),
        guards=guards(world.admission),
        deleted=_deleted(mine, world),
    )


def _was_over(exception: Object, since: datetime | None) -> bool:
    if since is None:
        return False
    # One that is being deleted now was not over then.
    metadata = {name: value for name, value in exception["metadata"].items() if name != "deletionTimestamp"}
    return validity.has_ended({**exception, "metadata": metadata}, since)


@dataclass(frozen=True, slots=True)
class _Known:
    """An exception with what is known beside it."""

    exception: Object
    policy: Object | None
    flows: Flows | None
    uses: Mapping[str, Use]


def _facts(known: _Known, approvals: Iterable[Object], now: datetime) -> ExceptionFacts:
    exception, policy = known.exception, known.policy
    used = known.uses.get(str(at(exception, "metadata", "uid") or ""))
    spec, status = exception.get("spec") or {}, exception.get("status") or {}
    own = sorted((each for each in approvals if _names(each, exception)), key=key)
    judged = _judged(exception, own, policy, now)
    begin, end = validity.term(exception)
    return ExceptionFacts(
        namespace=namespace_of(exception),
        name=name_of(exception),
        uid=str(at(exception, "metadata", "uid") or ""),
        policy=name_of(policy or {}),
        ground=str(spec.get("ground") or ""),
        justification=str(spec.get("justification") or ""),
        alternatives=str(spec.get("alternativesConsidered") or ""),
        subject=_subject(spec.get("subject") or {}),
        destinations=tuple(map(_destination, spec.get("destinations") or ())),
        data_classification=str(spec.get("dataClassification") or ""),
        dpia_reference=str(spec.get("dpiaReference") or ""),
        ticket=str(spec.get("ticket") or ""),
        exit_plan=str(spec.get("exitPlan") or ""),
        renews=str(spec.get("renews") or ""),
        requested_by=str(at(spec, "requestedBy", "username") or ""),
        requested_at=str(at(exception, "metadata", "creationTimestamp") or ""),
        approvals=tuple(_approval(each, judged.approvers if judged else ()) for each in own),
        four_eyes=(judged.four_eyes if judged else status.get("fourEyes")) or "",
        valid_from=begin,
        valid_until=end,
        phase=judged.phase if judged else "",
        reason=str(judged.reason) if judged else "",
        sentence=judged.sentence if judged else "not judged: the spec of its SovereigntyPolicy means nothing any more",
        recorded_phase=str(status.get("phase") or ""),
        opened_at=str(status.get("openedAt") or ""),
        closed_at=str(status.get("closedAt") or ""),
        hole=_hole(exception, policy),
        use=_use(used, known.flows),
        used=used,
    )


def _use(used: Use | None, flows: Flows | None) -> str:
    if flows is None:
        return USE_UNKNOWN
    if not flows.records:
        return "not known: there is no flow record in what was given"
    if used is None:
        return f"no use seen in flows from {flows.first_at} to {flows.last_at}"
    return (
        f"used: {used.connections} new connections, {used.records} flow records, from {used.first_at} to "
        f"{used.last_at}, by {', '.join(used.pods)}"
    )


def _judged(exception: Object, approvals: Iterable[Object], policy: Object | None, now: datetime) -> Judgement | None:
    try:
        bounds = parsed(SovereigntyPolicySpec, policy.get("spec")) if policy else None
    except InvalidSpecError:
        return None
    return judge(exception, approvals, bounds, now)


def _names(approval: Object, exception: Object) -> bool:
    """Whether an approval is of this exception, or of a former one of its name: shown too, and not counted."""
    return (namespace_of(approval), at(approval, "spec", "exception", "name")) == key(exception)


def _approval(approval: Object, counted: tuple[str, ...]) -> ApprovalFacts:
    git = at(approval, "spec", "git")
    by = str(at(approval, "spec", "approvedBy", "username") or "")
    people = {str(each) for each in git.get("reviewers") or ()} if git else {by}
    known = {each.casefold() for each in counted}
    return ApprovalFacts(
        by=by,
        at=str(at(approval, "metadata", "creationTimestamp") or ""),
        reason=str(at(approval, "spec", "reason") or ""),
        git=_attested(git) if git else "",
        counts=any(each.casefold() in known for each in people),
    )


def _attested(git: Object) -> str:
    reviewers = ", ".join(str(each) for each in git.get("reviewers") or ())
    commit = f"{git.get('repository', '')}@{git.get('commit', '')}"
    return f"{commit}, written by {git.get('author', '')}, reviewed by {reviewers}"


def _subject(subject: Object) -> str:
    account = subject.get("serviceAccountName")
    if account:
        return f"pods of ServiceAccount {account}"
    selector = subject.get("podSelector") or {}
    labels = [f"{name}={value}" for name, value in sorted((selector.get("matchLabels") or {}).items())]
    rest = [
        f"{each.get('key', '')} {each.get('operator', '')} {','.join(map(str, each.get('values') or ()))}".strip()
        for each in selector.get("matchExpressions") or ()
    ]
    return f"pods with {', '.join((*labels, *rest))}"


def _destination(destination: Object) -> str:
    kinds = (("catalogueGroup", "catalogue group"), ("domain", "domain"), ("network", "network"))
    what = next((f"{word} {destination[field]}" for field, word in kinds if destination.get(field)), "nothing")
    ports = (f"{each.get('protocol') or 'TCP'} {each.get('port', '')}" for each in destination.get("ports") or ())
    return f"{what}, {', '.join(ports)}"


def _hole(exception: Object, policy: Object | None) -> str:
    told = at(policy or {}, "status", "openExceptions")
    if told is None:
        return "not told by the status of a SovereigntyPolicy"
    mine = at(exception, "metadata", "uid")
    listed = next((each for each in told if isinstance(each, Mapping) and each.get("uid") == mine), None)
    if listed is None:
        return "; ".join(("not in the wall", *_unopened(exception, policy or {})))
    return "; ".join(("in the wall", *(f"not opened: {each}" for each in texts(listed, "unopened"))))


def _unopened(exception: Object, policy: Object) -> Iterator[str]:
    """Yield why a wall cannot have the hole, in the words of the operator."""
    for entry in at(policy, "status", "unopenedExceptions") or ():
        if entry.get("uid") == at(exception, "metadata", "uid"):
            yield from texts(entry, "unopened")


def _deleted(present: Iterable[Object], world: World) -> tuple[str, ...]:
    """Return those of which only the trail knows; one that was made anew under its name is another one."""
    there = {at(each, "metadata", "uid") for each in present}
    told = world.trail.decisions if world.trail else ()
    return tuple(
        sorted(
            {
                f"{each.object}, uid {each.uid or 'unknown'}"
                for each in told
                if each.uid not in there and world.scope.has(each.object.partition(" ")[2].partition("/")[0])
            }
        )
    )
