"""Recording rules for Prometheus: the hits of each group, whichever zone or view CoreDNS counted them under."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from bolwerk.core.catalogue.catalogue import Catalogue
from bolwerk.core.catalogue.dns.alerts import Alert

__all__ = ["recording_rules"]

RECORD = "bolwerk:dns_hits:rate5m"


def recording_rules(policy: str, catalogue: Catalogue, zones: Mapping[str, str], alerts: Iterable[Alert]) -> str:
    """Return a rule file: queries a second by group, of what is refused and of what the views see."""
    of_group: dict[str, list[str]] = {}
    for zone, group in zones.items():
        of_group.setdefault(group, []).append(f"{zone}.".replace(".", "[.]"))
    rules = [
        _rule(catalogue, group, "Refuse", f'coredns_template_matches_total{{zone=~"{"|".join(names)}"}}')
        for group, names in of_group.items()
    ]
    rules += [
        _rule(catalogue, alert.group, alert.decision, f'coredns_dns_requests_total{{view="bolwerk-{alert.group}"}}')
        for alert in alerts
    ]
    if not rules:
        return ""
    # Line by line in JSON, which YAML contains: a YAML writer takes longer than all the rest of the snippet.
    lines = ["groups:", f"- name: bolwerk-{policy}-dns", "  rules:", *(f"  - {json.dumps(rule)}" for rule in rules)]
    return "\n".join(lines) + "\n"


def _rule(catalogue: Catalogue, group: str, decision: str, selector: str) -> dict[str, Any]:
    return {
        "record": RECORD,
        "expr": f"sum(rate({selector}[5m]))",
        "labels": {"group": group, "jurisdiction": catalogue.groups[group].jurisdiction, "decision": decision},
    }
