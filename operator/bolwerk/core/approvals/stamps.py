"""Who asks and who approves, written by the API server over whatever was typed (Kubernetes 1.36 and newer).

An approval is stamped only beside the exception that it names, and what was typed is taken away first. So an approval
that has a stamp is one of an exception that is there and that somebody else asked for, also in the milliseconds in
which the API server does not know of a new exception yet: then the approval is refused, and can be sent again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bolwerk.core.admission.rule import Resources
from bolwerk.core.approvals.approval import APPROVED_BY, BY_GIT, CREATED, IS_NAMED, IS_OWN, IS_THE_SAME, REQUESTER
from bolwerk.core.approvals.caller import PERSON
from bolwerk.core.approvals.request import REQUESTED_BY
from bolwerk.core.kinds import EGRESS_EXCEPTION, Kind

__all__ = ["Stamp", "stamps"]


@dataclass(frozen=True, slots=True)
class Stamp:
    """One mutation.

    Attributes
    ----------
    patch
        CEL for a list of JSON patches.
    conditions
        CEL by name; where one is false, nothing is changed.
    per
        The kind of which each object in the namespace is looked at, if any: CEL calls it `params`.
    again
        Whether it is done again when others changed the object after it.
    """

    name: str
    resources: Resources
    patch: str
    conditions: Mapping[str, str] = field(default_factory=dict)
    per: Kind | None = None
    again: bool = True


def stamps() -> tuple[Stamp, ...]:
    """Return all. In which order the API server runs them is up to it."""
    kind = EGRESS_EXCEPTION
    return (
        Stamp(
            name="exception",
            resources=Resources(kind.group, kind.version, (kind.plural,), ("CREATE",)),
            patch=_written(REQUESTED_BY),
        ),
        Stamp(
            name="approval-typed",
            resources=CREATED,
            conditions={"was-typed": f"has(object.spec.{APPROVED_BY})"},
            patch=f'[JSONPatch{{op: "remove", path: "/spec/{APPROVED_BY}"}}]',
            # Once: if it comes after the stamp, it takes that away too, and the stamp is set again.
            again=False,
        ),
        Stamp(
            name="approval",
            resources=CREATED,
            conditions={
                "is-the-exception": f"{IS_NAMED} && {IS_THE_SAME}",
                "asked-for-by-somebody-else": f"{BY_GIT} || ({REQUESTER} != '' && !{IS_OWN})",
            },
            patch=_written(APPROVED_BY),
            per=EGRESS_EXCEPTION,
        ),
    )


def _written(field_: str) -> str:
    # `add` replaces the whole of what is there.
    return f'[JSONPatch{{op: "add", path: "/spec/{field_}", value: {PERSON}}}]'
