"""The labels by which Bolwerk's policies and Services find pods: set, changed and taken away by Bolwerk only.

With them a pod would get the prompts that are meant for a model, or get out of a policy that leaves models to their
own; without them a model's pod would get out of the policy that seals it.
"""

from __future__ import annotations

from bolwerk.core.admission.callers import CONTROLLERS, may_override, operator
from bolwerk.core.admission.cel import text
from bolwerk.core.admission.rule import Check, Resources, Rule
from bolwerk.core.admission.workloads import TEMPLATES, labels_of
from bolwerk.core.policy.subject import POLICY_LABEL, Subject
from bolwerk.core.settings import Settings

__all__ = ["MANAGED_BY", "MODEL_LABEL", "labels_rule"]

MANAGED_BY = "app.kubernetes.io/managed-by"
MODEL_LABEL = "bolwerk.dev/model"


def labels_rule(subject: Subject, settings: Settings) -> Rule:
    """Return the rule.

    Kubernetes' own controllers make pods from templates that were judged when people applied them.
    """
    ours = f"(variables.{{when}}[?{text(MANAGED_BY)}].orValue('') == 'bolwerk')"
    same = " && ".join(
        (
            *(
                f"variables.before[?{text(key)}] == variables.after[?{text(key)}]"
                for key in (MODEL_LABEL, POLICY_LABEL)
            ),
            f"{ours.format(when='before')} == {ours.format(when='after')}",
        )
    )
    instead = "use other labels; a LocalModel's pods are made from the LocalModel"
    return Rule(
        name="labels",
        resources=(Resources("", "v1", ("pods",), ("CREATE", "UPDATE")), *TEMPLATES),
        conditions={"not-by-a-controller-of-the-cluster": f"!{CONTROLLERS}"},
        variables={
            "before": f"oldObject == null ? {{}} : {labels_of('oldObject')}",
            "after": labels_of("object"),
        },
        checks=(
            Check(
                f"({same}) || {operator(settings)} || {may_override(subject)}",
                f"the labels {MODEL_LABEL}, {POLICY_LABEL} and {MANAGED_BY}: bolwerk are Bolwerk's own, on pods and on "
                f"templates of pods; {instead}",
            ),
        ),
    )
