"""What CoreDNS is told of the catalogue: names to refuse, names to tell of, and how the hits are counted by group."""

from bolwerk.core.catalogue.dns.configmap import dns_config_map
from bolwerk.core.catalogue.dns.refusals import refusals

__all__ = ["dns_config_map", "refusals"]
