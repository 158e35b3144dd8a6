"""CoreDNS's `template` plugin as far as the snippet uses it, so that thousands of snippets can be asked in a second.

Follows plugin/template/template.go: the first block of one of the name's zones that has no pattern, or one that
matches, answers and is counted under the longest of those zones. That the real one does the same, the tests with
CoreDNS show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import re2

from bolwerk.core.catalogue.dns.blocks import Block


@dataclass
class Resolver:
    blocks: Iterable[Block]
    hits: Counter[str] = field(default_factory=Counter)

    def refuses(self, name: str) -> bool:
        for block in self.blocks:
            around = [zone for zone in block.zones if zone == "." or f".{name}".endswith(f".{zone}")]
            matches = not block.matches or any(re2.search(match, f"{name}.") for match in block.matches)
            if around and matches:
                self.hits[max(around, key=len)] += 1
                return True
        return False
