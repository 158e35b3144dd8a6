"""The snippets as CoreDNS reads them.

A Corefile splits at white space, takes # as a comment and {$NAME} as an environment variable; quotes stop only the
first two. Whatever comes from a catalogue or a policy goes through `quoted` or has no such characters by its schema.
"""

from __future__ import annotations

from collections.abc import Iterable

from jinja2 import Environment, StrictUndefined, Template

from bolwerk.core.catalogue.dns.alerts import Alert, logs
from bolwerk.core.catalogue.dns.refusals import Refusals

__all__ = ["override", "views"]

BLOCKED = 15
"""RFC 8914, 4.16: on a blocklist by the name server's operator. (17, Filtered, is what the client itself asked for.)"""

_OVERRIDE_SOURCE = """\
# Written by Bolwerk for SovereigntyPolicy {{ policy }} ({{ mode }}): catalogue {{ version }}
# {{ digest }}
# Belongs inside the server block that answers the pods. What it does not name, it passes on.
{% for limit in limits %}
# Limit: {{ limit }}
{% endfor %}
{% if renames %}

# The first rule that fits a name is the only one. The client never sees what a name is renamed to.
{% for rename in renames %}
{% if rename.name %}
rewrite stop name exact {{ rename.name }} {{ rename.renamed }}
{% else %}
rewrite stop name regex {{ rename.match | quoted }} {{ ("{1}." ~ rename.zone) | quoted }}
{% endif %}
{% endfor %}
{% endif %}
{% for block in blocks %}

# {{ block.group }}: Refuse
template IN ANY {{ block.zones | join(" ") }} {
    rcode NXDOMAIN
    ederror {{ blocked }} {{ reason(block.group) | quoted }}
}
{% endfor %}
{% for alert, scopes in logs %}
{% if loop.first %}

# Answered, and told of. The first line that fits a name is the only one.
{% endif %}
log {{ scopes | join(" ") }} {{ line(alert) | quoted }}
{% endfor %}
"""

_VIEWS_SOURCE = """\
# Written by Bolwerk for SovereigntyPolicy {{ policy }} ({{ mode }}): catalogue {{ version }}
# Belongs before the server block that answers the pods, and after a snippet of yours, (bolwerk-answers), that says how
# names are looked up and where metrics are: forward, cache, prometheus.
{% for alert in alerts %}

# {{ alert.group }}: {{ told(alert) }}
.:53 {
    view bolwerk-{{ alert.group }} {
        expr {{ alert.condition }}
    }
    log . {{ line(alert) | quoted }}
    import bolwerk-answers
}
{% endfor %}
"""


def quoted(text: str) -> str:
    """Return a text as one word of a Corefile.

    Raises
    ------
    ValueError
        If a Corefile cannot say it.
    """
    if not text.isprintable() or "{$" in text or "{%" in text or text.endswith("\\"):
        raise ValueError(f"a Corefile cannot say {text!r}")
    return '"' + text.replace('"', '\\"') + '"'


def override(
    *,
    policy: str,
    audit: bool,
    version: str,
    digest: str,
    refused: Refusals,
    alerts: Iterable[Alert],
    limits: Iterable[str],
) -> str:
    """Return what stands inside the platform's server block."""
    return _render(
        _OVERRIDE,
        policy,
        audit=audit,
        version=version,
        digest=digest,
        renames=refused.renames,
        blocks=refused.blocks,
        logs=logs(alerts),
        limits=limits,
    )


def views(*, policy: str, audit: bool, version: str, alerts: Iterable[Alert]) -> str:
    """Return server blocks that count and log what is only alerted about."""
    return _render(_VIEWS, policy, audit=audit, version=version, alerts=alerts)


def _render(template: Template, policy: str, *, audit: bool, **content: object) -> str:
    return template.render(
        policy=policy,
        mode="Audit" if audit else "Enforce",
        blocked=BLOCKED,
        reason=lambda group: f"{group}: refused by SovereigntyPolicy {policy}; use a model of this cluster",
        told=lambda alert: "Refuse, in Audit only told of" if alert.decision == "Refuse" else alert.decision,
        line=lambda alert: (
            f"bolwerk group={alert.group} decision={alert.decision} {{remote}} {{type}} {{name}} {{rcode}}"
        ),
        **content,
    )


def _compiled(source: str) -> Template:
    # Not HTML: the reader is CoreDNS, and `quoted` is its escaping.
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701
    environment.filters["quoted"] = quoted
    return environment.from_string(source)


# Once: it takes longer than to render.
_OVERRIDE, _VIEWS = _compiled(_OVERRIDE_SOURCE), _compiled(_VIEWS_SOURCE)
