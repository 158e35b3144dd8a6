"""The few variables of a pod that could matter at all, found in one pass; every check then looks at those only.

Most pods have none. Without this the API server would go through all variables of a pod a dozen times.
"""

from __future__ import annotations

from collections.abc import Mapping

from bolwerk.core.admission.cel import items, lookup
from bolwerk.core.admission.names import Names, hosts_in
from bolwerk.core.admission.rule import Check
from bolwerk.core.admission.workloads import CONTAINERS
from bolwerk.core.catalogue import Decisions

__all__ = ["VALUE", "size_check", "suspects"]

MOST = 5_000
"""Environment variables of one pod."""

LONGEST = 131_072
"""Characters in their values, as many as Linux lets one variable have. Both bounds are under what the API server's cost
limit allows, and keep a pod that is made to be expensive from occupying it for long."""

VALUE = "e.?value.orValue('')"
"""CEL: the written-out value of the variable `e`."""

_SIZES = {"count": items("c.?env") + ".size()", "characters": f"{items('c.?env')}.map(e, {VALUE}.size()).sum()"}
_COUNTED: Mapping[str, str] = {
    **CONTAINERS,
    **{name: f"variables.containers.map(c, {size}).sum()" for name, size in _SIZES.items()},
}
_JUDGED = f"variables.count <= {MOST} && variables.characters <= {LONGEST}"


def size_check() -> Check:
    """Return the check that a pod can be judged: a sentence instead of the API server's word about cost."""
    return Check(
        _JUDGED,
        f"the containers have more than {MOST} environment variables together, or more than {LONGEST} characters in "
        "them: too many to judge; put them into a ConfigMap and mount it",
        variables=_COUNTED,
    )


def suspects(decided: Decisions, names: Names) -> Mapping[str, str]:
    """Return the variables of which the last, `suspects`, is `containers` with fewer variables in them.

    Those are left whose names are known to hold an endpoint, a key or a proxy, in any spelling, and those whose values
    name a host in a domain of which anything is known.
    """
    environment = decided.catalogue.environment
    known = {*environment.endpoints, *environment.proxies}
    for group in decided.catalogue.groups.values():
        known |= {*group.environment.endpoints, *group.environment.keys}
    telling = {name.upper(): "" for name in sorted(known)}
    matters = (
        f"e.name.upperAscii() in variables.telling || {hosts_in(VALUE)}.exists(h, {names.known.replace('{host}', 'h')})"
    )
    kept = {
        "name": "c.name",
        "env": f"{items('c.?env')}.filter(e, {matters})",
        "envFrom": items("c.?envFrom"),
    }
    fields = ", ".join(f"'{key}': dyn({cel})" for key, cel in kept.items())
    return {
        **_COUNTED,
        **names.variables,
        "telling": lookup(telling),
        "suspects": f"!({_JUDGED}) ? [] : variables.containers.map(c, {{{fields}}})",
    }
