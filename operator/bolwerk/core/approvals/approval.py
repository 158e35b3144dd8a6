"""What is refused of an EgressApproval: of one's own request, in another's name, without the right, or of another uid.

Git may stand for the second person where one ServiceAccount writes everything. It needs two keys of its own, because
the ServiceAccounts of such tools often may do anything: the chart has to name it, and it needs the verb `attest`.
"""

from __future__ import annotations

from bolwerk.core.admission.cel import text, told
from bolwerk.core.admission.rule import Check, Resources, Rule
from bolwerk.core.approvals.caller import IS_SERVICE_ACCOUNT, NAME, is_caller, is_named
from bolwerk.core.approvals.installation import Installation
from bolwerk.core.approvals.request import REQUESTED_BY
from bolwerk.core.kinds import EGRESS_APPROVAL, EGRESS_EXCEPTION

__all__ = [
    "APPROVED_BY",
    "BY_GIT",
    "CREATED",
    "IS_NAMED",
    "IS_OWN",
    "IS_THE_SAME",
    "REQUESTER",
    "approval_rule",
    "second_person_rule",
]

APPROVED_BY = "approvedBy"
CREATED = Resources(EGRESS_APPROVAL.group, EGRESS_APPROVAL.version, (EGRESS_APPROVAL.plural,), ("CREATE",))

BY_GIT = "has(object.spec.git)"
IS_NAMED = "params.metadata.name == object.spec.exception.name"
IS_THE_SAME = "params.metadata.uid == object.spec.exception.uid"
REQUESTER = f"params.spec.?{REQUESTED_BY}.?username.orValue('')"
_THEIR_UID = f"params.spec.?{REQUESTED_BY}.?uid.orValue('')"
# Not every identity provider tells names apart by case; a uid stays when somebody is renamed.
IS_OWN = (
    f"({REQUESTER}.lowerAscii() == {NAME}.lowerAscii() || "
    f"({_THEIR_UID} != '' && {_THEIR_UID} == request.userInfo.?uid.orValue('')))"
)

_EXCEPTION = "object.spec.exception.name"
_READ = f"kubectl get {EGRESS_EXCEPTION.plural} %s -n %s -o yaml"


def approval_rule(installation: Installation) -> Rule:
    """Return the rule about the approval by itself."""
    return Rule(
        name="approval",
        resources=(CREATED,),
        checks=(
            Check(
                f"!{BY_GIT} || ({IS_SERVICE_ACCOUNT} && {NAME} in {installation.attesters})",
                "spec.git: only a ServiceAccount that the chart's exceptions.gitAttesters names passes on what Git "
                "attests; approve as yourself, without spec.git",
            ),
            Check(
                f"{BY_GIT} || !{IS_SERVICE_ACCOUNT}",
                "a ServiceAccount is no second person: approve with your own login, or let the pipeline pass on in "
                "spec.git what Git attests",
            ),
            Check(
                _may(f"{BY_GIT} ? 'attest' : 'approve'"),
                "you may not approve this EgressException: that takes the verb approve on egressexceptions (attest for "
                "spec.git), which the roles of the chart have; ask whoever has it in this namespace",
            ),
            Check(
                is_named(APPROVED_BY),
                "spec.approvedBy is missing: Kubernetes 1.36 and newer write it if there is an EgressException of this "
                "name and uid that somebody else asked for; on older ones write approvedBy: {username: your user name}",
                named=told(
                    f"spec.approvedBy is missing: Kubernetes 1.36 and newer write it if the EgressException %s with "
                    f"uid %s is here and somebody else than you asked for it; see {_READ}. On older ones write "
                    'approvedBy: {username: "%s"}',
                    _EXCEPTION,
                    "object.spec.exception.uid",
                    _EXCEPTION,
                    "request.namespace",
                    NAME,
                ),
            ),
            Check(
                is_caller(APPROVED_BY),
                "spec.approvedBy says who approves, and that is you: write your own user name, without a uid or groups "
                "that are not yours",
                named=told(
                    'spec.approvedBy says who approves, and that is you: write approvedBy: {username: "%s"}, without a '
                    "uid or groups that are not yours",
                    NAME,
                ),
            ),
        ),
        everywhere=True,
    )


def second_person_rule() -> Rule:
    """Return the rule about an approval beside each exception of its namespace."""
    return Rule(
        name="approval-second-person",
        resources=(CREATED,),
        variables={"other": f"!({IS_NAMED})"},
        checks=(
            Check(
                f"variables.other || {IS_THE_SAME}",
                "this is not the EgressException that you read: another has its name now, with another uid; read it "
                "again and approve that one",
                named=told(
                    f"EgressException %s is not the one that you read: it was made anew and has another uid; read it "
                    f"({_READ}) and approve that one",
                    _EXCEPTION,
                    _EXCEPTION,
                    "request.namespace",
                ),
            ),
            Check(
                f"variables.other || {BY_GIT} || {REQUESTER} != ''",
                "nobody knows who asked for this EgressException: it was made while this rule was not in force; delete "
                "it and ask again",
            ),
            Check(
                f"variables.other || {BY_GIT} || !{IS_OWN}",
                "you asked for this EgressException yourself: somebody else has to approve it",
                named=told(
                    "you (%s) asked for EgressException %s yourself: somebody else has to approve it", NAME, _EXCEPTION
                ),
            ),
        ),
        everywhere=True,
    )


def _may(verb: str) -> str:
    kind = EGRESS_EXCEPTION
    return (
        f"authorizer.group({text(kind.group)}).resource({text(kind.plural)}).namespace(request.namespace)"
        f".name({_EXCEPTION}).check({verb}).allowed()"
    )
