"""A provider's key without the variable that leads its client elsewhere: then the client calls the provider.

A key alone says nothing: vLLM's and Triton's front ends speak OpenAI's protocol, and its clients want some key.
"""

from __future__ import annotations

from collections.abc import Iterable

from bolwerk.core.admission.cel import items, listed, text, told
from bolwerk.core.admission.environment import INSTEAD, check
from bolwerk.core.admission.excepted import unless
from bolwerk.core.admission.names import Names
from bolwerk.core.admission.rule import Check
from bolwerk.core.admission.suspects import suspects
from bolwerk.core.catalogue import Decision, Decisions
from bolwerk.core.policy.subject import Subject

__all__ = ["key_check"]

_SET = "(has({it}.valueFrom) || {it}.?value.orValue('') != '')"


def key_check(subject: Subject, decided: Decisions, names: Names, *wanted: Decision, sees_all: bool = True) -> Check:
    """Return the check for the keys of groups about which these things are decided.

    Parameters
    ----------
    sees_all
        Whether to look at the containers all of whose variables are written out, or at the others. Where a container
        takes variables from a ConfigMap or a Secret as a whole, the one that is missed here may be in it.
    """
    keys = "keys" if sees_all else "all_keys"
    complete = f"{items('c.?envFrom')}.size() {'==' if sees_all else '>'} 0"
    mate = f"c.env.exists(o, o.name in variables.{keys}[e.name] && {_SET.format(it='o')})"
    doubt = "" if sees_all else " unless a ConfigMap or Secret of envFrom sets it"
    without = told(
        f"without %s: its client would call the provider's public API{doubt}; set that to the in-cluster URL of a "
        "LocalModel (kubectl get localmodels -A -o wide)",
        f"variables.{keys}[e.name].join(' or ')",
    )
    of_no_use = text(
        f"although it is of use with an external provider only, which SovereigntyPolicy {subject.name} does not want "
        f"used; take it away and {INSTEAD}"
    )
    return check(
        f"lone_{keys}",
        f"e.name in variables.{keys} && {_SET.format(it='e')} && !{mate}{unless(names.excepted.key('e.name'))}",
        "is set %s",
        f"variables.{keys}[e.name].size() > 0 ? {without} : {of_no_use}",
        uses={**suspects(decided, names), keys: _keys(decided, wanted)},
        unnamed="is a provider's key without the variable that leads its client elsewhere, such as OPENAI_API_KEY "
        f"without OPENAI_BASE_URL: that client would call the provider; {INSTEAD}",
        containers=f"variables.suspects.filter(c, {complete})",
    )


def _keys(decided: Decisions, wanted: Iterable[Decision]) -> str:
    """Return the CEL for a map from keys to the variables that lead a key's client elsewhere.

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
    return f"{{{entries}}}" if entries else "{'': ['']}"
