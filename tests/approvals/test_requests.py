"""Who asks for an exception is who the API server knows, and what was asked never changes."""

from __future__ import annotations

import pytest

from approvals.conftest import Server
from approvals.objects import Manifest, exception
from approvals.people import CROWDED, GROUPS, HERE, MIGHTY, OPERATOR, REQUESTER

pytestmark = pytest.mark.cluster

NOT_YOU = "spec.requestedBy says who asks, and that is you"


def test_it_is_written_down_who_asks(server: Server) -> None:
    made = server.requested(REQUESTER)["spec"].get("requestedBy")

    if server.mode == "stamped":
        assert made["username"] == REQUESTER
        assert set(made["groups"]) == {*GROUPS[REQUESTER], "system:authenticated"}
        assert made["uid"] == REQUESTER  # the uid of a static token in these tests
    else:
        assert made == {"username": REQUESTER}


@pytest.mark.parametrize(
    "forged",
    [
        {"username": "eva"},
        {"username": REQUESTER, "uid": "of-eva"},
        {"username": REQUESTER, "groups": ["privacy-officers"]},
    ],
    ids=["name", "uid", "groups"],
)
def test_nobody_asks_in_anothers_name(server: Server, forged: Manifest) -> None:
    wanted = exception(HERE, server.name(), requestedBy=forged)

    answer = server.ask(REQUESTER).create(wanted, keep=True)

    if server.mode == "stamped":
        assert answer.allowed, answer
        stored = server.stored(wanted)["spec"]["requestedBy"]
        assert stored["username"] == stored["uid"] == REQUESTER
        assert "privacy-officers" not in stored["groups"]
    else:
        server.judged(answer, NOT_YOU)


def test_nobody_asks_without_a_name(server: Server) -> None:
    answer = server.ask(REQUESTER).create(exception(HERE, server.name()))

    if server.mode == "stamped":
        assert answer.allowed, answer
    else:
        server.judged(answer, f'write requestedBy: {{username: "{REQUESTER}"}}')


def test_of_many_groups_as_many_are_kept_as_the_schema_takes(server: Server) -> None:
    made = server.requested(CROWDED)["spec"].get("requestedBy")

    if server.mode == "stamped":
        assert len(made["groups"]) == 64
        assert set(made["groups"]) < {*GROUPS[CROWDED], "system:authenticated"}


@pytest.mark.parametrize(
    "change",
    [
        {"spec": {"validUntil": "2026-12-24T00:00:00Z"}},
        {"spec": {"destinations": [{"domain": "*.example", "ports": [{"port": 443}]}]}},
        {"spec": {"requestedBy": {"username": "eva"}}},
        {"spec": {"requestedBy": None}},
        {"spec": {"dpiaReference": "DPIA-1"}},
    ],
    ids=["later", "wider", "by somebody else", "by nobody", "with more"],
)
def test_nobody_changes_what_was_asked(server: Server, change: Manifest) -> None:
    """A rule of the CRD, so it holds in every mode; the operator may not either."""
    made = server.requested(REQUESTER)
    for user in (MIGHTY, OPERATOR):
        answer = server.ask(user).patch(made, change)

        assert answer.status == 422, answer
        assert "an exception never changes" in answer.message


def test_labels_may_change(server: Server) -> None:
    made = server.requested(REQUESTER)

    assert server.ask(MIGHTY).patch(made, {"metadata": {"labels": {"team": "speech"}}}).allowed


def test_only_the_operator_writes_the_status(server: Server) -> None:
    made = server.requested(REQUESTER)
    opened = {"status": {"phase": "Open", "approvals": 2, "fourEyes": "Cluster"}}

    server.judged(server.ask(MIGHTY).patch(made, opened, subresource="/status"), "only Bolwerk writes it")
    server.judged(server.ask(MIGHTY).put(made | opened, "/status"), "only Bolwerk writes it")
    assert server.ask(OPERATOR).patch(made, opened, subresource="/status").allowed


def test_a_status_that_is_sent_with_a_request_is_dropped(server: Server) -> None:
    wanted = exception(HERE, server.name(), **server.by("requestedBy", REQUESTER)) | {"status": {"phase": "Open"}}

    assert "status" not in server.stands(REQUESTER, wanted)
    assert server.ask(MIGHTY).patch(wanted, {"status": {"phase": "Open"}}, keep=True).allowed
    assert "status" not in server.stored(wanted)
