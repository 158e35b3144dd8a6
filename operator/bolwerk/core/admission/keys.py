"""A provider's key without the variable that leads its client elsewhere: then the client calls the provider.

A key alone says nothing: vLLM's and Triton's front ends speak OpenAI's protocol, and its clients want some key.
"""

from __future__ import annotations

from collections.abc import Iterable

from bolwerk.core.admission.cel import items, listed, text, told
from bolwerk.core.admission.environment import INSTEAD, check
from bolwerk.core.admission.rule import Check, Rule
from bolwerk.core.admission.workloads import CHANGED, CONTAINERS, WORKLOADS
from bolwerk.core.catalogue import Decision, Decisions
from bolwerk.core.policy.subject import Subject

__all__ = ["key_checks", "key_variables", "keys_rule"]

_SET = "(has({it}.valueFrom) || {it}.?value.orValue('') != '')"


def keys_rule(subject: Subject, decided: Decisions) -> Rule:
    """Return the rule.

    Where a container takes variables from a ConfigMap or a Secret as a whole, the one that is missed here may be in
    it: nothing is refused, and the rule that warns speaks of it.
    """
    return Rule(
        name="keys",
        resources=WORKLOADS,
        conditions=CHANGED,
        variables={**CONTAINERS, **key_variables(decided, ("Refuse",))},
        checks=key_checks(subject, sees_all=True),
    )


def key_variables(decided: Decisions, wanted: Iterable[Decision]) -> dict[str, str]:
    """Return the variable that holds, by key, the variables that lead its client elsewhere.

    A key that also belongs to a group which is allowed is allowed.
    """
    found: dict[str, set[str]] = {}
    for decision in wanted:
        for group in decided.groups(decision):
            for key, endpoints in group.environment.keys.items():
                found.setdefault(key, set()).update(endpoints)
    for group in decided.groups("Allow"):
        for key in group.environment.keys:
            found.pop(key, None)
    entries = ", ".join(f"{text(key)}: {listed(sorted(found[key]))}" for key in sorted(found))
    return {"keys": f"{{{entries}}}" if entries else "{'': ['']}"}


def key_checks(subject: Subject, *, sees_all: bool) -> tuple[Check, ...]:
    """Return the checks over the variable `keys`.

    Parameters
    ----------
    sees_all
        Whether to look at the containers all of whose variables are written out, or at the others.
    """
    complete = f"{items('c.?envFrom')}.size() {'==' if sees_all else '>'} 0"
    mate = f"c.env.exists(o, o.name in variables.keys[e.name] && {_SET.format(it='o')})"
    doubt = "" if sees_all else " unless a ConfigMap or Secret of envFrom sets it"
    without = told(
        f"without %s: its client would call the provider's public API{doubt}; set that to the in-cluster URL of a "
        "LocalModel (kubectl get localmodels -A -o wide)",
        "variables.keys[e.name].join(' or ')",
    )
    of_no_use = text(
        f"although it is of use with an external provider only, which SovereigntyPolicy {subject.name} does not want "
        f"used; take it away and {INSTEAD}"
    )
    return (
        check(
            "lone_keys",
            f"e.name in variables.keys && {_SET.format(it='e')} && !{mate}",
            "is set %s",
            f"variables.keys[e.name].size() > 0 ? {without} : {of_no_use}",
            unnamed="is a provider's key without the variable that leads its client elsewhere, such as OPENAI_API_KEY "
            f"without OPENAI_BASE_URL: that client would call the provider; {INSTEAD}",
            containers=f"variables.containers.filter(c, {complete})",
        ),
    )
