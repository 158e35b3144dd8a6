"""Expected against observed, as a table that people read: destinations down, pods across.

Used by the scenarios. Knows nothing of clusters: who measured what is in the two mappings.
"""

import dataclasses
from collections.abc import Mapping

Cells = Mapping[tuple[str, str], str]
"""(pod, destination) -> what should be, or was seen."""


@dataclasses.dataclass(frozen=True)
class Table:
    """One table; both mappings have the same cells, in the order in which they are shown."""

    title: str
    expected: Cells
    observed: Cells

    def differences(self) -> list[str]:
        """Return a sentence for each cell that is not as expected."""
        return [
            f"{pod} → {destination}: expected {wanted}, observed {self.observed.get((pod, destination), 'nothing')}"
            for (pod, destination), wanted in self.expected.items()
            if self.observed.get((pod, destination)) != wanted
        ]

    def __str__(self) -> str:
        pods = list(dict.fromkeys(pod for pod, _ in self.expected))
        destinations = list(dict.fromkeys(destination for _, destination in self.expected))
        lines = [["", *pods], *([each, *(self._cell(pod, each) for pod in pods)] for each in destinations)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        told = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
        return "\n    ".join([f"{self.title}: who gets where", *(line.rstrip() for line in told)])

    def _cell(self, pod: str, destination: str) -> str:
        wanted, seen = self.expected[pod, destination], self.observed.get((pod, destination), "nothing")
        return seen if seen == wanted else f"{seen.upper()} (expected {wanted})"
