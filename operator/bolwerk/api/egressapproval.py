"""EgressApproval: one person's approval of one exception. Made once, never changed."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from bolwerk.api.base import ApiModel, ObjectName, Rule
from bolwerk.api.person import GitAttestation, Person

__all__ = ["EgressApprovalSpec"]


class ExceptionReference(ApiModel):
    """Exactly the exception that was read: another one of the same name has another uid."""

    name: ObjectName
    uid: Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


class EgressApprovalSpec(ApiModel):
    """An approval."""

    exception: ExceptionReference
    reason: Annotated[str, Field(min_length=10, max_length=2000)] = Field(
        description="What was weighed, in the approver's own words."
    )
    approved_by: Person | None = Field(default=None, description="Stamped by the API server at admission.")
    git: GitAttestation | None = Field(
        default=None, description="Where approvals are given in Git and one ServiceAccount writes them."
    )

    rules: ClassVar = (
        Rule("self == oldSelf", "an approval never changes: delete it, which closes what it opened, and make another"),
        Rule(
            "!has(self.git) || !(self.git.author in self.git.reviewers)",
            "git.reviewers: the author of a change cannot be the second pair of eyes",
        ),
    )
