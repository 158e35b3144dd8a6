"""Two people: nobody approves what they asked for, or without the right, or in another's name, or another exception."""

from __future__ import annotations

import pytest

from approvals.conftest import Server
from approvals.objects import NO_UID, Manifest, approval, exception
from approvals.people import APPROVER, CLERK, ELSEWHERE, GROUPS, HERE, MIGHTY, OPERATOR, REQUESTER, STRANGER, TWIN
from harness.controlplane import ADMIN

pytestmark = pytest.mark.cluster

# Where two policies refuse, the API server passes on the word of either.
MISSING = "spec.approvedBy is missing"
OWN = "yourself: somebody else has to approve it"
NOT_YOU = "spec.approvedBy says who approves, and that is you"


def test_somebody_else_with_the_right_approves(server: Server) -> None:
    made = server.requested(REQUESTER)
    wanted = approval(
        HERE,
        server.name(),
        of=made["metadata"]["name"],
        uid=made["metadata"]["uid"],
        **server.by("approvedBy", APPROVER),
    )

    stored = server.stands(APPROVER, wanted)["spec"]["approvedBy"]

    assert stored["username"] == APPROVER
    if server.mode == "stamped":
        assert set(stored["groups"]) == {*GROUPS[APPROVER], "system:authenticated"}


@pytest.mark.parametrize("user", [MIGHTY, ADMIN])
def test_nobody_approves_their_own_request_whatever_rights_they_have(server: Server, user: str) -> None:
    made = server.requested(user)

    server.judged(server.approve(user, made), OWN, MISSING)
    assert server.approve(APPROVER, made).allowed


def test_who_writes_their_name_otherwise_is_the_same_person(server: Server) -> None:
    made = server.requested(MIGHTY)

    server.judged(server.approve(TWIN, made), OWN, MISSING)


def test_who_has_another_name_now_is_the_same_person(server: Server) -> None:
    """By the uid, which is the user name with the tokens of these tests."""
    _, renamed = server.earlier

    server.judged(server.approve(MIGHTY, renamed), OWN, MISSING)
    assert server.approve(APPROVER, renamed).allowed


def test_nobody_approves_without_the_right(server: Server) -> None:
    made = server.requested(REQUESTER)

    server.judged(server.approve(CLERK, made), "that takes the verb approve")


def test_nobody_approves_in_another_namespace(server: Server) -> None:
    """The right is asked for in the namespace of the exception: elsewhere it may be somebody else's to give."""
    made = server.stands(ADMIN, exception(ELSEWHERE, server.name(), **server.by("requestedBy", ADMIN)))

    server.judged(server.approve(APPROVER, made), "that takes the verb approve")


@pytest.mark.parametrize(
    "forged",
    [
        {"username": "eva"},
        {"username": MIGHTY, "uid": "of-eva"},
        {"username": MIGHTY, "groups": ["privacy-officers"]},
    ],
    ids=["name", "uid", "groups"],
)
def test_nobody_approves_in_anothers_name(server: Server, forged: Manifest) -> None:
    made = server.requested(REQUESTER)
    name = server.name()
    wanted = approval(HERE, name, of=made["metadata"]["name"], uid=made["metadata"]["uid"], approvedBy=forged)

    answer = server.ask(MIGHTY).create(wanted, keep=True)

    if server.mode == "stamped":
        assert answer.allowed, answer
        stored = server.stored(wanted)["spec"]["approvedBy"]
        assert stored["username"] == stored["uid"] == MIGHTY
        assert "privacy-officers" not in stored["groups"]
    else:
        server.judged(answer, NOT_YOU)


def test_nobody_approves_their_own_request_in_anothers_name(server: Server) -> None:
    made = server.requested(MIGHTY)

    server.judged(server.approve(MIGHTY, made, approvedBy={"username": "eva"}), NOT_YOU, OWN, MISSING)


def test_an_approval_is_of_the_exception_that_was_read(server: Server) -> None:
    """Deleted and made anew under the same name, with something else in it."""
    read = server.requested(REQUESTER)
    assert server.ask(REQUESTER).delete(read, keep=True).allowed
    name = read["metadata"]["name"]
    wider = exception(HERE, name, **server.by("requestedBy", REQUESTER), ticket="AI-124")
    changed = server.stands(REQUESTER, wider)
    server.wait_until_known(changed)

    server.judged(server.approve(APPROVER, read), "made anew", MISSING)
    assert server.approve(APPROVER, changed).allowed


def test_no_approval_of_what_is_not_there(server: Server) -> None:
    server.requested(REQUESTER)
    absent = {"metadata": {"name": "absent", "namespace": HERE, "uid": NO_UID}}

    answer = server.approve(APPROVER, absent, approvedBy={"username": APPROVER})

    if server.mode == "stamped":
        server.judged(answer, MISSING)
    else:
        assert answer.allowed, answer  # it counts for no exception: there will be none with this uid


def test_no_approval_where_nothing_was_asked(server: Server, empty: str) -> None:
    absent = {"metadata": {"name": "absent", "namespace": empty, "uid": NO_UID}}

    server.judged(server.approve(ADMIN, absent), "no params found", MISSING)


@pytest.mark.parametrize("user", [OPERATOR, STRANGER])
def test_a_service_account_is_no_second_person(server: Server, user: str) -> None:
    made = server.requested(REQUESTER)

    server.judged(server.approve(user, made), "a ServiceAccount is no second person")


def test_an_approval_never_changes(server: Server) -> None:
    """A rule of the CRD, so it holds in every mode."""
    made, other = server.requested(REQUESTER), server.requested(REQUESTER)
    name, of = server.name(), made["metadata"]
    wanted = approval(HERE, name, of=of["name"], uid=of["uid"], **server.by("approvedBy", MIGHTY))
    server.stands(MIGHTY, wanted)

    for spec in (
        {"exception": {"name": other["metadata"]["name"], "uid": other["metadata"]["uid"]}},
        {"approvedBy": {"username": "eva"}},
        {"reason": "Weighed once more, with others."},
    ):
        answer = server.ask(MIGHTY).patch(wanted, {"spec": spec})
        assert answer.status == 422, answer
        assert "an approval never changes" in answer.message
    assert server.ask(MIGHTY).delete(wanted).allowed  # which closes what it opened
