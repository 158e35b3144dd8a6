"""What the kinds about egress share: networks, ports, and the rules that refuse a network which means too much.

CEL's own `cidr` library parses them, so that IPv6 typed as IPv4, and the other way round, is refused at apply time.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bolwerk.api.base import ApiModel, Rule

__all__ = ["PRIVATE_AS_A_WHOLE", "Cidr", "Port", "network_rules"]

Cidr = Annotated[str, Field(min_length=3, max_length=49)]
"""A network such as `192.0.2.0/24` or `2001:db8::/32`."""

# RFC 1918 and RFC 4193. Whoever calls all of it internal has also allowed every private endpoint of a foreign cloud
# and every forward proxy, because they have such addresses too.
PRIVATE_AS_A_WHOLE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")


def network_rules(field: str, *, whole_private_space: bool) -> tuple[Rule, ...]:
    """Return the rules for a list of networks.

    Parameters
    ----------
    whole_private_space
        Whether all of RFC 1918 may be named at once: harmless where a network is denied, fatal where it is allowed.
    """
    rules = [
        Rule(
            f"!has(self.{field}) || self.{field}.all(n, isCIDR(n) && cidr(n) == cidr(n).masked())",
            f"{field}: write each network as CIDR with its first address, such as 10.20.0.0/16 or 2001:db8::/32",
        )
    ]
    if not whole_private_space:
        whole = ", ".join(f"'{network}'" for network in PRIVATE_AS_A_WHOLE)
        rules.append(
            Rule(
                f"!has(self.{field}) || self.{field}.all(n, !isCIDR(n) || "
                f"![{whole}].exists(p, cidr(n).containsCIDR(p)))",
                f"{field}: a whole private address space (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7) is not "
                "internal: private endpoints of external services and forward proxies have such addresses too; name "
                "your own networks",
            )
        )
    return tuple(rules)


class Port(ApiModel):
    """A port of a destination."""

    port: Annotated[int, Field(ge=1, le=65535)]
    protocol: Literal["TCP", "UDP"] = Field(default="TCP", description="Default TCP.")
