"""Variables that lead a container to an external AI endpoint: written-out values only.

What stands in a ConfigMap or a Secret is not seen here; `core/references` looks for that.
"""

from __future__ import annotations

from collections.abc import Mapping

from bolwerk.core.admission.cel import items, listed, lookup, text
from bolwerk.core.admission.excepted import unless
from bolwerk.core.admission.names import Names, host_of, hosts_in
from bolwerk.core.admission.networks import internal, network_variables
from bolwerk.core.admission.rule import Check
from bolwerk.core.admission.suspects import VALUE, suspects
from bolwerk.core.catalogue import Decision, Decisions
from bolwerk.core.policy.subject import Subject

__all__ = ["CLUSTER_RANGES", "INSTEAD", "OR_EXCEPTED", "check", "endpoint_variables", "environment_checks", "naming"]

INSTEAD = "use the in-cluster URL of a LocalModel (kubectl get localmodels -A -o wide)"

OR_EXCEPTED = (
    ", or have an EgressException approved (kubectl get egex says what an approved one leaves closed, and why)"
)

CLUSTER_RANGES = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "fc00::/7",
    "127.0.0.0/8",
    "::1/128",
)
"""Where the addresses of pods and Services are. Nobody declares those, and whether one of them is such an address
cannot be told here; the wall can."""


def environment_checks(subject: Subject, decided: Decisions, names: Names) -> tuple[Check, ...]:
    """Return the checks."""
    out = f"{_outside('h')}{unless(names.excepted.host('h'))}"
    outside = f"e.name in variables.endpoints && {host_of(VALUE)}.exists(h, {out})"
    host = f"{hosts_in('e.value')}.filter(h, {names.decided('h', 'Refuse')})[0]"
    suspected = suspects(decided, names)
    cluster = f"{listed(CLUSTER_RANGES)}.map(n, cidr(n))"
    return (
        check(
            "refused",
            naming(names, "Refuse"),
            f"names %s, an external AI endpoint that SovereigntyPolicy {subject.name} refuses; {INSTEAD}{OR_EXCEPTED}",
            host,
            uses=suspected,
        ),
        check(
            "outside",
            outside,
            f"has an address outside the declared internal networks of SovereigntyPolicy {subject.name}; "
            f"{INSTEAD}{OR_EXCEPTED}",
            uses={**suspected, **network_variables(subject), **endpoint_variables(decided), "cluster": cluster},
        ),
    )


def check(
    name: str,
    offends: str,
    sentence: str,
    *arguments: str,
    uses: Mapping[str, str],
    unnamed: str = "",
    containers: str = "variables.suspects",
) -> Check:
    """Return the check that no variable `e` of any container `c` offends, among those that `suspects` leaves.

    What offends is found once, in a variable of this name: for each container a list, for each variable in it the
    words of the sentence. The sentence goes on after the names of both, and has a `%s` for each argument; `unnamed` is
    the sentence without arguments, for where it differs. `uses` are the variables in all of that CEL.
    """
    # A list has items of one type, and the names of an object that is not typed have none.
    words = f"[c.name, e.name{''.join(f', dyn({argument})' for argument in arguments)}]"
    found = f"{containers}.map(c, {items('c.?env')}.filter(e, {offends}).map(e, {words}))"
    return Check(
        f"variables.{name}.all(f, f.size() == 0)",
        f"a variable {unnamed or sentence.replace('%s, ', '')}",
        named=f"{text(f'container %s: %s {sentence}')}.format(variables.{name}.filter(f, f.size() > 0)[0][0])",
        variables={**uses, name: found},
    )


def endpoint_variables(decided: Decisions) -> dict[str, str]:
    """Return the variable that holds the names of environment variables that are known to hold an endpoint."""
    catalogue = decided.catalogue
    known = {*catalogue.environment.endpoints}.union(
        *(each.environment.endpoints for each in catalogue.groups.values())
    )
    return {"endpoints": lookup(dict.fromkeys(sorted(known), ""))}


def naming(names: Names, decision: Decision) -> str:
    """Return the CEL for whether the value of the variable `e` names a host of this decision."""
    return f"{hosts_in(VALUE)}.exists(h, {names.decided('h', decision)})"


def _outside(host: str) -> str:
    """Return the CEL for whether a host is an address that leads out. With a colon in it, it is no name either."""
    elsewhere = f"variables.outward.exists(n, n.containsIP({host}))"
    in_cluster = f"variables.cluster.exists(n, n.containsIP({host}))"
    return f"(isIP({host}) ? ({elsewhere} || !({internal(host)} || {in_cluster})) : {host}.contains(':'))"
