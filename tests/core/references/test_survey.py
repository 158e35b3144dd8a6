"""From pods and what was seen to findings, in sentences."""

from typing import Any

import pytest

from bolwerk.core.kinds import CONFIG_MAP, SECRET, Ref
from bolwerk.core.references.findings import LISTED, Finding, Findings
from bolwerk.core.references.gaps import Gaps
from bolwerk.core.references.look import Seen
from bolwerk.core.references.pod import Environment, References, Source
from bolwerk.core.references.survey import conclude, survey
from bolwerk.core.settings import Settings
from core.references.cataloguing import rules

CONFIG = Ref(CONFIG_MAP, "team", "config")
KEYS = Ref(SECRET, "team", "keys")
NOBODY: frozenset[Environment] = frozenset()


def taking_all(*names: str, of: tuple[Source, ...], by: str = "Deployment/chat") -> References:
    environment = Environment(frozenset(names), of)
    return References(by, dict.fromkeys((source.ref for source in of), None), frozenset({environment}))


def test_an_endpoint_is_told_with_those_who_refer_to_its_key_and_no_others() -> None:
    surveyed = survey(
        [
            References("Deployment/chat", {CONFIG: frozenset({"url"})}, NOBODY),
            References("Deployment/chat", {CONFIG: frozenset({"url"})}, NOBODY),
            References("CronJob/report", {CONFIG: None}, NOBODY),
            References("Deployment/other", {CONFIG: frozenset({"fine"})}, NOBODY),
        ]
    )
    seen = {CONFIG: Seen(frozenset({"url", "fine"}), {"url": frozenset({"acme"})})}

    [finding] = conclude(surveyed, seen, rules())

    assert finding.used_by == ("CronJob/report", "Deployment/chat")
    assert finding.message == (
        "ConfigMap team/config, key url, used by CronJob/report, Deployment/chat: names an endpoint of the group acme, "
        "which is refused. Write the URL of a LocalModel, http://<localmodel>.<namespace>.svc:8000/v1, or have an "
        "EgressException approved."
    )


def test_who_asks_for_all_keys_decides_what_is_looked_at() -> None:
    one = References("Pod/a", {CONFIG: frozenset({"url"})}, NOBODY)
    other = References("Pod/b", {CONFIG: frozenset({"model"})}, NOBODY)

    assert survey([one, other]).keys(CONFIG) == frozenset({"url", "model"})
    assert survey([one, References("Pod/c", {CONFIG: None}, NOBODY)]).keys(CONFIG) is None


@pytest.mark.parametrize(
    ("pod", "seen", "want"),
    [
        pytest.param(taking_all(of=(Source(KEYS, ""),)), {KEYS: {"ACME_API_KEY"}}, {"ACME_API_KEY"}, id="a key alone"),
        pytest.param(
            taking_all("ACME_BASE_URL", of=(Source(KEYS, ""),)), {KEYS: {"ACME_API_KEY"}}, set(), id="a base URL beside"
        ),
        pytest.param(
            taking_all(of=(Source(CONFIG, ""), Source(KEYS, ""))),
            {KEYS: {"ACME_API_KEY"}, CONFIG: {"ACME_API_BASE"}},
            set(),
            id="a base URL from another object",
        ),
        pytest.param(
            taking_all("OTHER_BASE_URL", of=(Source(KEYS, ""),)),
            {KEYS: {"ACME_API_KEY"}},
            {"ACME_API_KEY"},
            id="a base URL of something else",
        ),
        pytest.param(
            taking_all(of=(Source(KEYS, "ACME_"),)), {KEYS: {"API_KEY"}}, {"API_KEY"}, id="a prefix makes it one"
        ),
        pytest.param(
            taking_all(of=(Source(KEYS, "MY_"),)), {KEYS: {"ACME_API_KEY"}}, set(), id="a prefix makes it none"
        ),
        pytest.param(
            taking_all("ACME_BASE_URL", of=(Source(KEYS, ""),)),
            {KEYS: {"ACME_TOKEN"}},
            {"ACME_TOKEN"},
            id="a key that no variable leads elsewhere",
        ),
        pytest.param(
            taking_all("ACME_API_KEY", of=(Source(KEYS, ""),)),
            {KEYS: {"ACME_API_KEY"}},
            set(),
            id="set in the pod itself, where admission judges it",
        ),
        pytest.param(
            taking_all(of=(Source(CONFIG, ""), Source(KEYS, ""))),
            {KEYS: {"ACME_API_KEY"}},
            set(),
            id="the base URL may stand in what was not read",
        ),
        pytest.param(taking_all(of=(Source(KEYS, ""),)), {KEYS: {"PASSWORD"}}, set(), id="a key of nobody's"),
    ],
)
def test_a_provider_key_without_a_base_url(pod: References, seen: dict[Ref, set[str]], want: set[str]) -> None:
    looked = {ref: Seen(frozenset(keys)) for ref, keys in seen.items()}

    found = list(conclude(survey([pod]), looked, rules()))

    assert {each.key for each in found} == want
    assert {each.leak for each in found} <= {"ProviderKey"}


def test_a_provider_key_of_an_allowed_group_is_none() -> None:
    pod = taking_all(of=(Source(KEYS, ""),))

    assert not list(conclude(survey([pod]), {KEYS: Seen(frozenset({"ACME_API_KEY"}))}, rules(allow=("acme",))))


def finding(**fields: Any) -> Finding:
    base: dict[str, Any] = {
        "namespace": "team",
        "kind": "Secret",
        "name": "keys",
        "key": "K",
        "leak": "Endpoint",
        "group": "acme",
        "decision": "Refuse",
        "used_by": ("Pod/a",),
    }
    return Finding(**{**base, **fields})


@pytest.mark.parametrize(
    ("found", "want"),
    [
        pytest.param(
            finding(decision="Alert"),
            "names an endpoint of the group acme, which is to be looked at. Write the URL of a LocalModel",
            id="an endpoint to be alerted about",
        ),
        pytest.param(
            finding(leak="ProviderKey", instead=("ACME_BASE_URL", "ACME_API_BASE")),
            "so that its client calls the provider. Set ACME_BASE_URL or ACME_API_BASE to the URL of a LocalModel",
            id="a provider key",
        ),
        pytest.param(
            finding(leak="ProviderKey"), "No variable leads that client elsewhere: remove the key", id="a key for good"
        ),
        pytest.param(
            finding(leak="Outward", group=""),
            "leads to a declared forward proxy or private endpoint, which is outside. Address internal services",
            id="a proxy",
        ),
        pytest.param(
            finding(used_by=("Pod/a", "Pod/b", "Pod/c", "Pod/d", "Pod/e")),
            "used by Pod/a, Pod/b, Pod/c and 2 more: names",
            id="many users",
        ),
    ],
)
def test_the_sentence_says_what_to_do_instead(found: Finding, want: str) -> None:
    assert found.message.startswith("Secret team/keys, key K, used by ")
    assert want in found.message


def test_the_longest_names_still_fit_into_a_status() -> None:
    long = finding(
        namespace="n" * 63,
        name="s" * 253,
        key="k" * 253,
        group="g" * 63,
        used_by=tuple("D/" + "w" * 60 for _ in "abcd"),
    )

    assert len(long.message) <= 1024


def test_findings_are_in_order_and_bounded() -> None:
    found = [finding(key=f"K{number:03}") for number in reversed(range(LISTED + 7))]

    kept = Findings.of(found, looked_at=3, not_looked_at=["a sentence"])

    assert [each.key for each in kept.findings] == [f"K{number:03}" for number in range(LISTED)]
    assert (kept.more, kept.looked_at, kept.not_looked_at) == (7, 3, ("a sentence",))


@pytest.mark.parametrize(
    ("gaps", "settings", "want"),
    [
        pytest.param(
            Gaps(),
            Settings(),
            "Secrets are not looked at, so endpoints in them are not found. To have those that governed pods refer to "
            "read, but never listed, set references.secrets to true in the chart's values.",
            id="Secrets are off by default",
        ),
        pytest.param(Gaps(), Settings(references_secrets=True), "", id="everything is looked at"),
        pytest.param(
            Gaps(denied={(SECRET, f"team-{number}") for number in range(7)}),
            Settings(references_secrets=True),
            "Secrets in team-0, team-1, team-2, team-3, team-4 and 2 more are not looked at: the operator lacks the "
            "right to get secrets there. Grant it, as the chart does with references.secrets, or set references.secrets"
            " to false.",
            id="no right to read them",
        ),
        pytest.param(
            Gaps(too_long={(CONFIG, "model.bin")}),
            Settings(references_secrets=True),
            "Values of more than 1 MiB are not looked at: ConfigMap team/config, key model.bin. Move what pods read "
            "into smaller ones.",
            id="too long",
        ),
    ],
)
def test_what_was_not_looked_at_is_said_with_the_mend(gaps: Gaps, settings: Settings, want: str) -> None:
    assert " ".join(gaps.sentences(settings)) == want
