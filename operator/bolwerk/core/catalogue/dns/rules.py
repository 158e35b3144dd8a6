"""Recording rules for Prometheus: the hits of each group, whichever zone or view CoreDNS counted them under."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from bolwerk.core.catalogue.catalogue import Catalogue
from bolwerk.core.catalogue.dns.alerts import Alert

__all__ = ["recording_rules"]

RECORD = "bolwerk:dns_hits:rate5m"


def recording_rules(policy: str, catalogue: Catalogue, zones: Mapping[str, str], alerts: Iterable[Alert]) -> str:
    """Return a rule file: queries a second by group, of what is refused and of what the views see."""
    of_group: dict[str, list[str]] = {}
    for zone, group in zones.items():
        of_group.setdefault(group, []).append(f"{zone}.".replace(".", r"\."))
    rules = [
        _rule(catalogue, group, "Refuse", f'coredns_template_matches_total{{zone=~"{_quoted("|".join(names))}"}}')
        for group, names in of_group.items()
    ]
    rules += [
        _rule(catalogue, alert.group, alert.decision, f'coredns_dns_requests_total{{view="bolwerk-{alert.group}"}}')
        for alert in alerts
    ]
    content = {"groups": [{"name": f"bolwerk-{policy}-dns", "rules": rules}]}
    return yaml.safe_dump(content, sort_keys=False, width=1_000_000) if rules else ""


def _rule(catalogue: Catalogue, group: str, decision: str, selector: str) -> dict[str, Any]:
    return {
        "record": RECORD,
        "expr": f"sum(rate({selector}[5m]))",
        "labels": {"group": group, "jurisdiction": catalogue.groups[group].jurisdiction, "decision": decision},
    }


def _quoted(expression: str) -> str:
    return expression.replace("\\", "\\\\")
