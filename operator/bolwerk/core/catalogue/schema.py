"""The catalogue file and the overlay file as they are written, checked strictly: what is unknown is refused.

Read only by `parse` and `overlay`; what holds across groups is checked there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from bolwerk.core.catalogue.names import LONGEST_NAME, NAME
from bolwerk.core.catalogue.patterns import LONGEST_PATTERN

__all__ = ["CatalogueFile", "Environment", "Examples", "Group", "OverlayFile", "SiteEnvironment", "Source"]

GroupName = Annotated[str, Field(max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
Domain = Annotated[str, Field(max_length=LONGEST_NAME, pattern=NAME)]
Variable = Annotated[str, Field(max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
SourceKey = Annotated[str, Field(max_length=63, pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")]
Network = Annotated[str, Field(max_length=49, pattern=r"^[0-9a-f:.]+/[0-9]{1,3}$")]


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"names {', '.join(repeated)} more than once")
    return values


def _dated(version: str) -> str:
    year, month, day = (int(part) for part in version.split(".")[:3])
    date(year, month, day)
    return version


Domains = Annotated[tuple[Domain, ...], Field(max_length=256), AfterValidator(_distinct)]
Variables = Annotated[tuple[Variable, ...], Field(max_length=64), AfterValidator(_distinct)]
Version = Annotated[
    str, Field(max_length=24, pattern=r"^20[0-9]{2}\.[0-9]{2}\.[0-9]{2}(\.[0-9]{1,4})?$"), AfterValidator(_dated)
]
"""The day of the review, and a number if there was more than one that day: 2026.11.24, 2026.11.24.2."""


class _Strict(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, frozen=True)


class Source(_Strict):
    """Where entries come from."""

    what: Annotated[str, Field(min_length=1, max_length=300)]
    url: Annotated[str, Field(max_length=300, pattern=r"^https://")] | None = None


class Environment(_Strict):
    """The environment variables by which a group's clients are configured.

    Attributes
    ----------
    endpoints
        Those that hold a URL or host.
    keys
        Those that hold a credential or an account, each with the endpoint variables that lead the same client
        elsewhere. Without any of them such a client calls its vendor.
    """

    endpoints: Variables = ()
    keys: Annotated[Mapping[Variable, Variables], Field(max_length=64)] = Field(default_factory=dict)


class SiteEnvironment(_Strict):
    """Variables that belong to no group: the value alone tells where they lead."""

    endpoints: Variables = ()
    proxies: Variables = ()


class Examples(_Strict):
    """Names that the group has to match, and names that look like it and must not be."""

    refused: Annotated[tuple[Domain, ...], Field(min_length=1, max_length=512), AfterValidator(_distinct)]
    not_refused: Domains = ()


class Group(_Strict):
    """The names of one provider, or of providers that are decided upon together."""

    name: GroupName
    title: Annotated[str, Field(min_length=1, max_length=120)]
    jurisdiction: Annotated[str, Field(min_length=1, max_length=40)]
    purpose: Literal["inference", "model-download", "bypass"] = "inference"
    shared: bool = False
    suffixes: Domains = ()
    exact: Domains = ()
    patterns: Annotated[
        tuple[Annotated[str, Field(max_length=LONGEST_PATTERN)], ...], Field(max_length=64), AfterValidator(_distinct)
    ] = ()
    networks: Annotated[tuple[Network, ...], Field(max_length=64)] = ()
    environment: Environment = Environment()
    sources: Annotated[tuple[SourceKey, ...], Field(max_length=16), AfterValidator(_distinct)]
    notes: Annotated[str, Field(max_length=1000)] = ""
    examples: Examples | None = None

    @property
    def size(self) -> int:
        """How many names, suffixes and patterns it has."""
        return len(self.suffixes) + len(self.exact) + len(self.patterns)


Groups = Annotated[Mapping[GroupName, Group], Field(max_length=200)]
Sources = Annotated[Mapping[SourceKey, Source], Field(max_length=200)]


class CatalogueFile(_Strict):
    """The shipped file."""

    schema_version: Literal["bolwerk.dev/catalogue/v1"]
    version: Version
    shared_apexes: Domains
    environment: SiteEnvironment = SiteEnvironment()
    sources: Sources
    groups: Groups


class OverlayFile(_Strict):
    """What a site changes about the shipped file."""

    schema_version: Literal["bolwerk.dev/catalogue-overlay/v1"]
    version: Version
    shared_apexes: Domains = ()
    environment: SiteEnvironment = SiteEnvironment()
    sources: Sources = Field(default_factory=dict)
    groups: Groups = Field(default_factory=dict)
    remove: Annotated[tuple[GroupName, ...], Field(max_length=200), AfterValidator(_distinct)] = ()
