"""The wall's own objects: changed or deleted by nobody but the operator, and who cleans up after an owner."""

from __future__ import annotations

from bolwerk.core.admission.callers import keepers, may_override
from bolwerk.core.admission.cel import same, text
from bolwerk.core.admission.labels import MANAGED_BY
from bolwerk.core.admission.rule import Check, Resources, Rule
from bolwerk.core.policy.observed import OPTIONAL_KINDS
from bolwerk.core.policy.subject import POLICY_LABEL, Subject
from bolwerk.core.settings import Settings

__all__ = ["wall_rule"]

_FIELDS = ("?spec", "?data", "?binaryData", "metadata.?ownerReferences")
_LABELS = (MANAGED_BY, "app.kubernetes.io/component", POLICY_LABEL)


def wall_rule(subject: Subject, settings: Settings) -> Rule:
    """Return the rule; judged in all namespaces, because some of these objects are in none.

    Admission policies are not among them: the API server exempts its own admission objects from admission.
    """
    # Whoever annotates, or migrates what is stored, changes nothing that counts.
    unchanged = " && ".join(
        (
            *(same(field) for field in _FIELDS),
            *(same(f"metadata.?labels[?{text(key)}]") for key in _LABELS),
        )
    )
    return Rule(
        name="wall",
        resources=(
            Resources("", "v1", ("configmaps",), ("UPDATE", "DELETE")),
            Resources("networking.k8s.io", "v1", ("networkpolicies",), ("UPDATE", "DELETE")),
            *(Resources(kind.group, kind.version, (kind.plural,), ("UPDATE", "DELETE")) for kind in OPTIONAL_KINDS),
        ),
        selected={"matchLabels": {MANAGED_BY: "bolwerk", POLICY_LABEL: subject.name}},
        checks=(
            Check(
                f"{keepers(settings)} || (object != null && {unchanged}) || {may_override(subject)}",
                f"this object is made from SovereigntyPolicy {subject.name} and is kept by Bolwerk; change the policy "
                "instead, or ask for an EgressException",
            ),
        ),
        everywhere=True,
    )
