"""Asking in CEL whether an address is one of ours."""

from __future__ import annotations

from collections.abc import Mapping

from bolwerk.core.admission.cel import listed
from bolwerk.core.policy.subject import Subject

__all__ = ["internal", "network_variables"]


def network_variables(subject: Subject) -> Mapping[str, str]:
    """Return the variables that `internal` uses: networks, parsed once for each object that is judged."""
    declared = subject.spec.internal
    return {
        "internal": f"{listed(declared.networks)}.map(n, cidr(n))",
        "outward": f"{listed((*declared.forward_proxies, *declared.private_endpoints))}.map(n, cidr(n))",
    }


def internal(address: str) -> str:
    """Return the CEL for whether an address, written as text, is in a declared network and leads nowhere else."""
    return (
        f"(isIP({address}) && variables.internal.exists(n, n.containsIP({address})) && "
        f"!variables.outward.exists(n, n.containsIP({address})))"
    )
