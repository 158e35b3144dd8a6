"""Four eyes in the API server: it writes down who asks and who approves, and refuses whoever would be both.

Cluster-wide and owned by no SovereigntyPolicy: the chart installs these objects, so that they hold before there is a
policy and while the operator is down. `bolwerk.generate` writes them into the chart.
"""

from __future__ import annotations

from bolwerk.core.approvals.approval import approval_rule, second_person_rule
from bolwerk.core.approvals.installation import Installation
from bolwerk.core.approvals.objects import mutating, validating
from bolwerk.core.approvals.request import request_rule, status_rule
from bolwerk.core.approvals.stamps import stamps
from bolwerk.core.kinds import EGRESS_EXCEPTION
from bolwerk.core.plan import Manifest

__all__ = ["Installation", "refusals", "stamping"]


def refusals(installation: Installation) -> tuple[Manifest, ...]:
    """Return what holds on every supported server: policies, each with its binding."""
    return (
        *validating(request_rule(), installation),
        *validating(status_rule(installation), installation),
        *validating(approval_rule(installation), installation),
        *validating(second_person_rule(), installation, per=EGRESS_EXCEPTION),
    )


def stamping(installation: Installation) -> tuple[Manifest, ...]:
    """Return what spares people from writing who they are, on servers of Kubernetes 1.36 or newer."""
    return tuple(manifest for stamp in stamps() for manifest in mutating(stamp, installation))
