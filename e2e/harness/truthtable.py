"""Expected against observed, as a table that people read: pods down, destinations across.

Used by the scenarios. Knows nothing of clusters: who measured what is in the two mappings.
"""

import dataclasses
from collections.abc import Mapping

Cells = Mapping[tuple[str, str], str]
"""(row, column) -> what should be, or was seen."""


@dataclasses.dataclass(frozen=True)
class Table:
    """One table; both mappings have the same cells, in the order in which they are shown."""

    title: str
    expected: Cells
    observed: Cells

    def differences(self) -> list[str]:
        """Return a sentence for each cell that is not as expected."""
        return [
            f"{row} → {column}: expected {wanted}, observed {self.observed.get((row, column), 'nothing')}"
            for (row, column), wanted in self.expected.items()
            if self.observed.get((row, column)) != wanted
        ]

    def __str__(self) -> str:
        rows = list(dict.fromkeys(row for row, _ in self.expected))
        columns = list(dict.fromkeys(column for _, column in self.expected))
        lines = [[self.title, *columns], *([row, *(self._cell(row, column) for column in columns)] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        told = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
        return "\n".join(line.rstrip() for line in told)

    def _cell(self, row: str, column: str) -> str:
        wanted, seen = self.expected[row, column], self.observed.get((row, column), "nothing")
        return seen if seen == wanted else f"{seen.upper()} (expected {wanted})"
