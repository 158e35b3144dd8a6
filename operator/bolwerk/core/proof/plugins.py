"""Which DaemonSets are, or may be, what enforces network policies on a node, for the shell's surveyor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["plugin_images"]

Object = Mapping[str, Any]


def plugin_images(daemon_sets: Iterable[Object]) -> tuple[str, ...]:
    """Return the images of those that could change a node's packet filter: on its network, and with the right to.

    More than network plugins, so that one that nobody has heard of yet is among them.
    """
    return tuple(sorted({image for each in daemon_sets for image in _images(each)}))


def _images(daemon_set: Object) -> Iterator[str]:
    spec = (((daemon_set.get("spec") or {}).get("template") or {}).get("spec")) or {}
    if spec.get("hostNetwork"):
        yield from (str(each["image"]) for each in spec.get("containers") or () if _may_filter(each))


def _may_filter(container: Object) -> bool:
    context = container.get("securityContext") or {}
    added = (context.get("capabilities") or {}).get("add") or ()
    return bool(context.get("privileged")) or not {"NET_ADMIN", "CAP_NET_ADMIN", "ALL"}.isdisjoint(added)
