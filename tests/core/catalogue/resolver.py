"""CoreDNS's `rewrite` and `template` as far as the snippet uses them: thousands of snippets can be asked in a second.

Follows plugin/rewrite/name.go and plugin/template/template.go: the first rename that fits is the only one; then the
first block with a zone around the name answers, and is counted under the longest of its zones. That the real one does
the same, the tests with CoreDNS show.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import re2

from bolwerk.core.catalogue.dns.refusals import Refusals


@dataclass
class Resolver:
    refused: Refusals
    hits: Counter[str] = field(default_factory=Counter)

    def refuses(self, name: str) -> bool:
        name = self._renamed(name)
        for block in self.refused.blocks:
            around = [zone for zone in block.zones if f".{name}".endswith(f".{zone}")]
            if around:
                self.hits[max(around, key=len)] += 1
                return True
        return False

    def _renamed(self, name: str) -> str:
        for rename in self.refused.renames:
            if found := re2.search(rename.match, f"{name}."):
                return f"{found.group(1)}.{rename.zone}".removesuffix(".")
        return name
