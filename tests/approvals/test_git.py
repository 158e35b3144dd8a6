"""One ServiceAccount writes everything: then Git attests the second person, if the chart and a right allow it."""

from __future__ import annotations

import pytest

from approvals.conftest import Server
from approvals.objects import git
from approvals.people import APPROVER, MIGHTY, PIPELINE, REQUESTER, STRANGER, UNTRUSTED

pytestmark = pytest.mark.cluster


def test_git_is_the_second_person_of_a_pipeline_that_may_attest(server: Server) -> None:
    made = server.requested(PIPELINE)

    assert server.approve(PIPELINE, made, git=git()).allowed


def test_without_git_a_pipeline_approves_nothing_of_its_own(server: Server) -> None:
    made = server.requested(PIPELINE)

    server.judged(server.approve(PIPELINE, made), "a ServiceAccount is no second person", "yourself: somebody else")


def test_a_person_approves_what_a_pipeline_asks(server: Server) -> None:
    """Request in Git, approval in the cluster."""
    assert server.approve(APPROVER, server.requested(PIPELINE)).allowed


def test_a_pipeline_that_the_chart_does_not_name_attests_nothing_whatever_rights_it_has(server: Server) -> None:
    made = server.requested(STRANGER)

    server.judged(server.approve(STRANGER, made, git=git()), "the chart's exceptions.gitAttesters")


def test_a_person_attests_nothing_for_git(server: Server) -> None:
    """Else whoever may do everything would approve their own request by claiming that Git saw two people."""
    for requester in (MIGHTY, REQUESTER):
        made = server.requested(requester)

        server.judged(server.approve(MIGHTY, made, git=git()), "the chart's exceptions.gitAttesters")


def test_a_named_pipeline_needs_the_right_as_well(server: Server) -> None:
    made = server.requested(REQUESTER)

    server.judged(server.approve(UNTRUSTED, made, git=git()), "attest for")


def test_the_author_is_not_among_the_reviewers(server: Server) -> None:
    """A rule of the CRD, so it holds in every mode."""
    answer = server.approve(PIPELINE, server.requested(PIPELINE), git=git("jan", "eva", "jan"))

    assert answer.status == 422, answer
    assert "the author of a change cannot be the second pair of eyes" in answer.message


def test_git_attests_for_the_exception_that_was_read(server: Server) -> None:
    made = server.requested(PIPELINE)
    metadata = {**made["metadata"], "uid": "11111111-1111-4111-8111-111111111111"}

    server.judged(
        server.approve(PIPELINE, {**made, "metadata": metadata}, git=git()), "made anew", "approvedBy is missing"
    )
