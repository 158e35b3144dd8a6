"""What a scan looked at and what not, told with the mend: "nothing found" means little without "nobody looked"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bolwerk.core.kinds import CONFIG_MAP, POD, SECRET, Kind, Ref
from bolwerk.core.settings import Settings

__all__ = ["Gaps", "kinds_to_read"]

NAMED = 5
_SWITCHES = {CONFIG_MAP: "references.configMaps", SECRET: "references.secrets"}


def kinds_to_read(settings: Settings) -> frozenset[Kind]:
    """Return which of the kinds that pods refer to are read."""
    wished = {CONFIG_MAP: settings.references_config_maps, SECRET: settings.references_secrets}
    return frozenset(kind for kind, read in wished.items() if read)


@dataclass(slots=True)
class Gaps:
    """Filled in by one scan.

    Attributes
    ----------
    looked_at
        How many objects were read.
    denied
        The namespaces in which the API server does not let the operator get a kind, or list pods.
    too_long
        The keys with values that are longer than any that is looked at.
    """

    looked_at: int = 0
    denied: set[tuple[Kind, str]] = field(default_factory=set)
    too_long: set[tuple[Ref, str]] = field(default_factory=set)

    def sentences(self, settings: Settings) -> Iterator[str]:
        """Yield a sentence for each gap, the same for the same gaps."""
        if unlisted := self._denied(POD):
            yield (
                f"What pods in {_named(unlisted)} refer to is not looked at: the operator lacks the right to list pods "
                "there. Grant it, as the chart does."
            )
        for kind in (CONFIG_MAP, SECRET):
            switch = _SWITCHES[kind]
            if kind not in kinds_to_read(settings):
                yield (
                    f"{kind.name}s are not looked at, so endpoints in them are not found. To have those that "
                    f"governed pods refer to read, but never listed, set {switch} to true in the chart's values."
                )
            if denied := self._denied(kind):
                yield (
                    f"{kind.name}s in {_named(denied)} are not looked at: the operator lacks the right to get "
                    f"{kind.plural} there. Grant it, as the chart does with {switch}, or set {switch} to false."
                )
        if self.too_long:
            keys = sorted(f"{ref}, key {key}" for ref, key in self.too_long)
            yield f"Values of more than 1 MiB are not looked at: {_named(keys)}. Move what pods read into smaller ones."

    def _denied(self, kind: Kind) -> list[str]:
        return sorted(namespace for refused, namespace in self.denied if refused == kind)


def _named(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - NAMED
    return ", ".join(listed[:NAMED]) + (f" and {more} more" if more > 0 else "")
