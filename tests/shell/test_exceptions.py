"""Which EgressExceptions an object's change concerns, what they see, and what the policies see of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bolwerk.core.kinds import (
    CLUSTER_NETWORK_POLICY,
    EGRESS_APPROVAL,
    EGRESS_EXCEPTION,
    NAMESPACE,
    SOVEREIGNTY_POLICY,
    Kind,
    Ref,
)
from bolwerk.core.plan import Manifest
from bolwerk.core.policy.observed import EXCEPTION_KINDS
from bolwerk.core.settings import Settings
from bolwerk.shell.cache import Cache
from bolwerk.shell.exceptions import EgressExceptions
from bolwerk.shell.policies import SovereigntyPolicies

from .objects import make, make_policy

STATE = Ref(SOVEREIGNTY_POLICY, "", "state")
MAIL, MAPS, AWAY = (Ref(EGRESS_EXCEPTION, *key) for key in (("team", "mail"), ("team", "maps"), ("away", "mail")))
ALL = {MAIL, MAPS, AWAY}
SERVED = frozenset({CLUSTER_NETWORK_POLICY, *EXCEPTION_KINDS})
TERM = {"validFrom": "2026-11-24T12:00:00Z", "validUntil": "2026-11-24T13:00:00Z"}


def exception(ref: Ref, *, generation: int = 1, **fields: Any) -> Manifest:
    fields = {"spec": TERM, **fields}
    made = make(EGRESS_EXCEPTION, ref.name, namespace=ref.namespace, uid=uid_of(ref), **fields)
    made["metadata"]["generation"] = generation
    return made


def uid_of(ref: Ref) -> str:
    return f"u-{ref.namespace}-{ref.name}"


def approval(name: str, of: Ref, *, namespace: str = "", **fields: Any) -> Manifest:
    spec = {"exception": {"name": of.name, "uid": uid_of(of)}}
    return make(EGRESS_APPROVAL, name, namespace=namespace or of.namespace, spec=spec, **fields)


def namespace(name: str, **fields: Any) -> Manifest:
    return make(NAMESPACE, name, namespace="", **fields)


def telling(*told: Ref, version: int, where: str = "openExceptions") -> Manifest:
    policy = make_policy("state", uid="u-state", version=version)
    entries = [{"namespace": ref.namespace, "name": ref.name, "uid": uid_of(ref)} for ref in told]
    return {**policy, "status": {where: entries}}


def hole(of: Ref, **fields: Any) -> Manifest:
    labels = {"bolwerk.dev/exception-uid": uid_of(of)}
    owner: dict[str, Any] = {"owner": "u-state", "owned_by": SOVEREIGNTY_POLICY}
    return make(CLUSTER_NETWORK_POLICY, f"x-{uid_of(of)}", namespace="", labels=labels, **owner, **fields)


@pytest.fixture
def policies(cache: Cache) -> SovereigntyPolicies:
    return SovereigntyPolicies(cache, served=SERVED, settings=Settings())


@pytest.fixture(autouse=True)
def exceptions(cache: Cache, policies: SovereigntyPolicies) -> EgressExceptions:
    """A policy, and three exceptions in two namespaces, two of them of one name."""
    del policies  # registered before, as the operator does
    index = EgressExceptions(cache)
    for name in ("team", "away"):
        cache.put(NAMESPACE, namespace(name))
    cache.put(SOVEREIGNTY_POLICY, make_policy("state", uid="u-state"))
    for ref in ALL:
        cache.put(EGRESS_EXCEPTION, exception(ref))
    return index


@pytest.mark.parametrize(
    ("kind", "manifest", "want"),
    [
        pytest.param(
            EGRESS_EXCEPTION, exception(Ref(EGRESS_EXCEPTION, "team", "new")),
            {STATE, Ref(EGRESS_EXCEPTION, "team", "new")}, id="a new one: itself and the policies",
        ),
        pytest.param(EGRESS_APPROVAL, approval("a", MAIL), {STATE, MAIL}, id="an approval: its exception"),
        pytest.param(
            EGRESS_APPROVAL, approval("a", MAIL, namespace="away"), {STATE},
            id="an approval in another namespace: none of the exceptions",
        ),
        pytest.param(
            EGRESS_APPROVAL, approval("a", Ref(EGRESS_EXCEPTION, "team", "gone")), {STATE},
            id="an approval of what is not there: none of the exceptions",
        ),
        pytest.param(NAMESPACE, namespace("new"), {STATE}, id="a namespace without any: the policies"),
        pytest.param(SOVEREIGNTY_POLICY, make_policy("town", uid="u-town"), {STATE, *ALL}, id="a new policy: all"),
    ],
)  # fmt: skip
def test_a_change_concerns(cache: Cache, kind: Kind, manifest: Manifest, want: set[Ref]) -> None:
    itself = {Ref(SOVEREIGNTY_POLICY, "", "town")} if kind == SOVEREIGNTY_POLICY else set()

    assert cache.put(kind, manifest) == want | itself
    assert cache.put(kind, manifest) == set(), "the same news twice is no news"
    assert cache.remove(kind, manifest) >= want, "its deletion, of an approval too, concerns the policies that close"


def test_the_labels_of_a_namespace_concern_the_exceptions_in_it(cache: Cache) -> None:
    assert cache.put(NAMESPACE, namespace("team", labels={"governed": "yes"}, version=2)) == {STATE, MAIL, MAPS}


def test_the_status_of_an_exception_concerns_no_policy_and_its_end_does(cache: Cache) -> None:
    assert cache.put(EGRESS_EXCEPTION, exception(MAIL, version=2, status={"phase": "Open"})) == {MAIL}

    ending = exception(MAIL, version=3, status={"phase": "Open"})
    ending["metadata"]["deletionTimestamp"] = "2026-11-24T12:30:00Z"
    assert cache.put(EGRESS_EXCEPTION, ending) == {STATE, MAIL}
    assert cache.put(EGRESS_EXCEPTION, exception(MAPS, version=2, generation=2)) == {STATE, MAPS}


def test_a_policys_status_concerns_those_of_which_it_says_something_new(cache: Cache) -> None:
    """A thousand exceptions are not looked at a thousand times while the policy opens them one by one."""
    assert cache.put(SOVEREIGNTY_POLICY, telling(MAIL, version=2)) == {STATE, MAIL}
    assert cache.put(SOVEREIGNTY_POLICY, telling(MAIL, AWAY, version=3)) == {STATE, AWAY}
    assert cache.put(SOVEREIGNTY_POLICY, telling(AWAY, version=4)) == {STATE, MAIL}

    edited = telling(AWAY, version=5)
    edited["metadata"]["generation"] = 2
    assert cache.put(SOVEREIGNTY_POLICY, edited) == {STATE, *ALL}


def test_what_stays_closed_concerns_those_of_which_it_says_so(cache: Cache) -> None:
    assert cache.put(SOVEREIGNTY_POLICY, telling(MAIL, version=2, where="unopenedExceptions")) == {STATE, MAIL}
    assert cache.put(SOVEREIGNTY_POLICY, telling(MAIL, version=3)) == {STATE, MAIL}, "it has been opened"

    others = [Ref(EGRESS_EXCEPTION, "gone", f"x{number}") for number in range(1000)]
    full = telling(*others, version=4, where="unopenedExceptions")
    assert cache.put(SOVEREIGNTY_POLICY, full) == {STATE, *ALL}, "of these it is silent now"


def test_what_is_observed(cache: Cache, exceptions: EgressExceptions, policies: SovereigntyPolicies) -> None:
    for name, of in (("b", MAIL), ("a", MAIL), ("other", MAPS)):
        cache.put(EGRESS_APPROVAL, approval(name, of))
    cache.put(EGRESS_APPROVAL, approval("foreign", MAIL, namespace="away"))
    cache.put(SOVEREIGNTY_POLICY, telling(MAIL, version=2))

    seen = exceptions.observe(MAIL.key)

    assert seen
    assert seen.exception["metadata"]["uid"] == uid_of(MAIL)
    assert [each["metadata"]["name"] for each in seen.approvals] == ["a", "b"]
    assert [each["status"]["openExceptions"][0]["name"] for each in seen.policies] == ["mail"]
    assert seen.namespace
    assert seen.namespace["metadata"]["name"] == "team"
    assert exceptions.observe(("team", "absent")) is None
    policy = policies.observe(STATE.key)
    assert policy
    assert {each["metadata"]["uid"] for each in policy.exceptions} == {uid_of(ref) for ref in ALL}
    assert len(policy.approvals) == 4
    assert policy.served == {CLUSTER_NETWORK_POLICY}


@pytest.mark.parametrize("served", [frozenset(), *(frozenset({kind}) for kind in EXCEPTION_KINDS)])
def test_where_not_both_kinds_are_served_neither_is_looked_at(served: frozenset[Kind]) -> None:
    cache = Cache()
    policies = SovereigntyPolicies(cache, served=served, settings=Settings())
    cache.put(SOVEREIGNTY_POLICY, make_policy("state", uid="u-state"))

    assert not {*EXCEPTION_KINDS}.intersection(cache.kinds)
    seen = policies.observe(STATE.key)
    assert seen
    assert (seen.exceptions, seen.approvals) == ((), ())


@pytest.mark.parametrize(
    ("minute", "want"),
    [pytest.param(59, 0, id="in its term"), pytest.param(60, 1, id="over")],
)
def test_a_hole_that_outlives_its_exception_is_counted(
    cache: Cache, policies: SovereigntyPolicies, minute: int, want: int
) -> None:
    now = datetime(2026, 11, 24, 12 + minute // 60, minute % 60, tzinfo=UTC)
    cache.put(CLUSTER_NETWORK_POLICY, hole(MAIL))
    assert policies.overdue(now) == want

    cache.remove(CLUSTER_NETWORK_POLICY, hole(MAIL, version=2))
    assert policies.overdue(now) == 0
    cache.put(SOVEREIGNTY_POLICY, telling(MAIL, version=2))
    assert policies.overdue(now) == want, "carved into the wall, it has no object of its own"


@pytest.mark.parametrize("minutes", [-31, 31])
def test_a_hole_that_one_of_the_clocks_calls_over_is_counted(cache: Cache, minutes: int) -> None:
    policies = SovereigntyPolicies(cache, served=SERVED, settings=Settings(), skew=lambda: timedelta(minutes=minutes))
    cache.put(SOVEREIGNTY_POLICY, telling(MAIL, version=2))
    cache.put(EGRESS_EXCEPTION, exception(MAIL, version=2))
    seen = policies.observe(STATE.key)

    assert policies.overdue(datetime(2026, 11, 24, 12, 30, tzinfo=UTC)) == 1
    assert seen
    assert seen.skew == timedelta(minutes=minutes)


def test_a_hole_whose_exception_is_gone_is_counted(cache: Cache, policies: SovereigntyPolicies) -> None:
    now = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
    cache.put(CLUSTER_NETWORK_POLICY, hole(MAIL))
    cache.remove(EGRESS_EXCEPTION, exception(MAIL, version=2))

    assert policies.overdue(now) == 1


def test_phases_are_counted(cache: Cache, exceptions: EgressExceptions) -> None:
    cache.put(EGRESS_EXCEPTION, exception(MAIL, version=2, status={"phase": "Open"}))
    assert exceptions.phases == {"Unknown": 2, "Open": 1}

    cache.put(EGRESS_EXCEPTION, exception(MAIL, version=3, status={"phase": "Expired"}))
    cache.remove(EGRESS_EXCEPTION, exception(AWAY, version=2))
    assert exceptions.phases == {"Unknown": 1, "Open": 0, "Expired": 1}


def test_nothing_is_kept_of_what_is_gone(cache: Cache, exceptions: EgressExceptions) -> None:
    cache.put(EGRESS_APPROVAL, approval("a", MAIL))
    cache.remove(EGRESS_APPROVAL, approval("a", MAIL))
    for ref in ALL:
        cache.remove(EGRESS_EXCEPTION, exception(ref, version=2))
    cache.remove(SOVEREIGNTY_POLICY, make_policy("state", uid="u-state", version=2))

    for left in (exceptions._exceptions, exceptions._exceptions_in, exceptions._approvals, exceptions._told):
        assert not left
