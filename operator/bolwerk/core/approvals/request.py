"""What is refused of an EgressException: to ask in another's name, and to write its status in the operator's place."""

from __future__ import annotations

from bolwerk.core.admission.cel import told
from bolwerk.core.admission.rule import Check, Resources, Rule
from bolwerk.core.approvals.caller import NAME, is_caller
from bolwerk.core.approvals.installation import Installation
from bolwerk.core.kinds import EGRESS_EXCEPTION

__all__ = ["REQUESTED_BY", "request_rule", "status_rule"]

REQUESTED_BY = "requestedBy"


def request_rule() -> Rule:
    """Return the rule; that nothing changes afterwards is a rule of the CRD."""
    kind = EGRESS_EXCEPTION
    sentence = (
        'spec.requestedBy says who asks, and that is you: write requestedBy: {username: "%s"}, without a uid or groups '
        "that are not yours; Kubernetes 1.36 and newer write it for you"
    )
    return Rule(
        name="exception",
        resources=(Resources(kind.group, kind.version, (kind.plural,), ("CREATE",)),),
        checks=(Check(is_caller(REQUESTED_BY), sentence % "your user name", named=told(sentence, NAME)),),
        everywhere=True,
    )


def status_rule(installation: Installation) -> Rule:
    """Return the rule."""
    kind = EGRESS_EXCEPTION
    return Rule(
        name="exception-status",
        resources=(Resources(kind.group, kind.version, (f"{kind.plural}/status",), ("UPDATE",)),),
        checks=(
            Check(
                f"{NAME} == {installation.operator}",
                "the status of an EgressException is what Bolwerk found, and only Bolwerk writes it; approve the "
                "exception with an EgressApproval, or delete it",
            ),
        ),
        everywhere=True,
    )
