"""The ConfigMap by which a platform's CoreDNS learns the names: the only object of the DNS layer.

The platform imports it; Bolwerk never touches the Corefile, and when Bolwerk is gone the names stay refused.
"""

from __future__ import annotations

from bolwerk.core.catalogue.decisions import Decisions
from bolwerk.core.catalogue.dns.alerts import alerts, unlogged
from bolwerk.core.catalogue.dns.refusals import Refusals, refusals
from bolwerk.core.catalogue.dns.rules import recording_rules
from bolwerk.core.catalogue.dns.text import override, views
from bolwerk.core.invalid import InvalidSpecError
from bolwerk.core.kinds import CONFIG_MAP
from bolwerk.core.plan import Manifest
from bolwerk.core.policy.subject import Subject, metadata
from bolwerk.core.settings import Settings

__all__ = ["MOST_BYTES", "dns_config_map"]

MOST_BYTES = 1_000_000
"""Of the 1,048,576 that the API server takes for all of a ConfigMap's values; the rest is for its metadata."""


def dns_config_map(subject: Subject, decided: Decisions, settings: Settings) -> Manifest:
    """Return the ConfigMap of one policy.

    Raises
    ------
    InvalidSpecError
        If a ConfigMap cannot hold the names.
    """
    audit = not subject.enforced
    catalogue = decided.catalogue
    refused = Refusals() if audit else refusals(decided)
    told = alerts(decided, audit=audit)
    silent = (sentence for alert in told if (sentence := unlogged(alert, catalogue)))
    text = override(
        policy=subject.name,
        audit=audit,
        version=catalogue.version,
        digest=catalogue.digest,
        refused=refused,
        alerts=told,
        limits=silent,
    )
    size = len(text.encode())
    if size > MOST_BYTES:
        raise InvalidSpecError(
            f"spec.catalogue: the names of {len(decided)} groups take {size} bytes in DNS, and a ConfigMap holds"
            f" {MOST_BYTES}; allow groups that do not matter here, or name domains instead of single hosts"
        )
    name = f"bolwerk-{subject.name}"
    # Named so that `import …/*.override`, the custom of managed clusters, finds the first and nothing else, and so that
    # several policies' files can lie in one folder.
    main = f"{name}.override"
    data = {main: text}
    extras = {
        f"{name}.views": views(policy=subject.name, audit=audit, version=catalogue.version, alerts=told)
        if told
        else "",
        f"{name}.rules.yaml": recording_rules(subject.name, catalogue, refused.zones, told),
    }
    for key, extra in extras.items():
        size += len(extra.encode())
        if size > MOST_BYTES:
            data[main] = f"# Limit: there is no room for {key} in this ConfigMap.\n{data[main]}"
            size -= len(extra.encode())
        elif extra:
            data[key] = extra
    return {
        "apiVersion": CONFIG_MAP.api_version,
        "kind": CONFIG_MAP.name,
        "metadata": metadata(
            f"{name}-dns",
            policy=subject.name,
            uid=subject.uid,
            component="dns",
            namespace=settings.dns_namespace or settings.namespace,
        ),
        "data": data,
    }
