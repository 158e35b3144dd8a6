"""A small catalogue and what a policy decides about it, for the tests of references."""

from ipaddress import ip_network
from typing import Any

from bolwerk.api.sovereigntypolicy import Catalogue as Choice
from bolwerk.core.catalogue import Catalogue, Group, decisions
from bolwerk.core.catalogue.schema import Environment, Examples, SiteEnvironment
from bolwerk.core.references.look import Rules

GROUPS = (
    Group(
        name="acme",
        title="Acme AI",
        jurisdiction="US",
        suffixes=("acme.ai", "api.acme.example"),
        exact=("acme-edge.example",),
        patterns=(r"^runtime\.[a-z0-9-]+\.cloud\.example$",),
        examples=Examples(refused=("runtime.eu-1.cloud.example",)),
        environment=Environment(
            endpoints=("ACME_BASE_URL", "ACME_API_BASE"),
            keys={"ACME_API_KEY": ("ACME_BASE_URL", "ACME_API_BASE"), "ACME_TOKEN": ()},
        ),
        sources=("known",),
    ),
    Group(
        name="hub",
        title="Hub",
        jurisdiction="FR",
        suffixes=("hub.example",),
        shared=True,
        environment=Environment(
            endpoints=("HUB_URL",), keys={"HUB_TOKEN": ("HUB_URL",), "ACME_API_KEY": ("HUB_URL",), "FREE_KEY": ()}
        ),
        sources=("known",),
    ),
    Group(
        name="fine",
        title="Fine",
        jurisdiction="NL",
        suffixes=("fine.example",),
        environment=Environment(keys={"FREE_KEY": ()}),
        sources=("known",),
    ),
)


def catalogue() -> Catalogue:
    return Catalogue.of(
        version="2026.11.24",
        groups=GROUPS,
        sources={},
        shared_apexes=(),
        environment=SiteEnvironment(endpoints=("LLM_URL",)),
    )


def rules(*, outward: tuple[str, ...] = (), **choice: Any) -> Rules:
    """Refuse acme, alert about hub, allow fine, unless told otherwise."""
    chosen = Choice(**{"allow": ("fine",), **choice})
    inside = (ip_network("10.0.0.0/8"), ip_network("fc00::/7"))
    return Rules(decisions(catalogue(), chosen), inside, tuple(ip_network(each) for each in outward))
