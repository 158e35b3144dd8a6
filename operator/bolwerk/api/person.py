"""Who asked and who approved, as the API server knew them: stamped at admission, never typed by hand."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bolwerk.api.base import ApiModel, ShortText, atomic

__all__ = ["GitAttestation", "Person"]


class Person(ApiModel):
    """An authenticated user."""

    username: Annotated[str, Field(min_length=1, max_length=256)]
    uid: Annotated[str, Field(max_length=256)] | None = None
    groups: tuple[Annotated[str, Field(max_length=256)], ...] = Field(
        default=(), max_length=64, json_schema_extra=atomic()
    )


class GitAttestation(ApiModel):
    """Who decided in Git, where one ServiceAccount writes everything: attested by Git, not by the API server."""

    repository: Annotated[str, Field(min_length=1, max_length=512)]
    commit: Annotated[str, Field(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")] = Field(
        description="The commit that a signature covers."
    )
    author: ShortText
    reviewers: tuple[ShortText, ...] = Field(
        min_length=1, max_length=16, json_schema_extra={"x-kubernetes-list-type": "set"}
    )
