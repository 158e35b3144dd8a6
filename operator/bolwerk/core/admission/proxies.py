"""Proxy variables: whoever reaches a forward proxy has reached the outside, whatever the proxy's address looks like."""

from __future__ import annotations

from bolwerk.core.admission.cel import lookup
from bolwerk.core.admission.environment import check
from bolwerk.core.admission.names import IN_CLUSTER, Names, host_of
from bolwerk.core.admission.networks import internal, network_variables
from bolwerk.core.admission.rule import Check
from bolwerk.core.admission.suspects import VALUE, suspects
from bolwerk.core.catalogue import Decisions
from bolwerk.core.policy.subject import Subject

__all__ = ["proxy_check"]


def proxy_check(subject: Subject, decided: Decisions, names: Names) -> Check:
    """Return the check.

    A name outside the cluster is refused as well: what address it has is not known here, and a proxy by name is a
    forward proxy more often than not. By its address in a declared network it is let through.
    """
    spellings = dict.fromkeys(sorted({name.upper() for name in decided.catalogue.environment.proxies}), "")
    excepted = names.excepted.host("h")
    loopback = "(isIP(h) && ip(h).isLoopback())"
    inside = f"(h.matches({IN_CLUSTER}) || {loopback} || {internal('h')}{f' || {excepted}' if excepted else ''})"
    # What is no URL at all may still mean something to some client: it is not inside.
    out = (
        f"e.name.upperAscii() in variables.proxies && {VALUE}.trim() != '' && !{host_of(VALUE)}.exists_one(h, {inside})"
    )
    instead = (
        "take the variable away, or name a Service of this cluster or an address in spec.internal.networks that is no "
        "forward proxy; whoever needs the outside asks for an EgressException"
    )
    return check(
        "leading_out",
        out,
        f"names a proxy that leads outside for SovereigntyPolicy {subject.name}; {instead}",
        uses={**suspects(decided, names), **network_variables(subject), "proxies": lookup(spellings)},
    )
