"""From pods and what was seen to findings, in sentences."""

from typing import Any

import pytest

from bolwerk.core.kinds import CONFIG_MAP, POD, SECRET, Ref
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


def taking(
    *names: str,
    of: tuple[Source, ...] = (),
    picked: tuple[tuple[str, Ref, str], ...] = (),
    blank: tuple[str, ...] = (),
) -> References:
    listed = frozenset({*names, *blank, *(name for name, _, _ in picked)})
    environment = Environment(listed, frozenset(blank), frozenset(picked), of)
    keys: dict[Ref, frozenset[str] | None] = {ref: frozenset({key}) for _, ref, key in picked}
    return References("Deployment/chat", keys | {source.ref: None for source in of}, frozenset({environment}))


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
        "which is refused. Write the in-cluster URL of a LocalModel (kubectl get localmodels -A -o wide), or have an "
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
        pytest.param(taking(of=(Source(KEYS, ""),)), {KEYS: {"ACME_API_KEY"}}, {"ACME_API_KEY"}, id="a key alone"),
        pytest.param(
            taking("ACME_BASE_URL", of=(Source(KEYS, ""),)), {KEYS: {"ACME_API_KEY"}}, set(), id="a base URL beside"
        ),
        pytest.param(
            taking(of=(Source(CONFIG, ""), Source(KEYS, ""))),
            {KEYS: {"ACME_API_KEY"}, CONFIG: {"ACME_API_BASE"}},
            set(),
            id="a base URL from another object",
        ),
        pytest.param(
            taking("OTHER_BASE_URL", of=(Source(KEYS, ""),)),
            {KEYS: {"ACME_API_KEY"}},
            {"ACME_API_KEY"},
            id="a base URL of something else",
        ),
        pytest.param(taking(of=(Source(KEYS, "ACME_"),)), {KEYS: {"API_KEY"}}, {"API_KEY"}, id="a prefix makes it one"),
        pytest.param(taking(of=(Source(KEYS, "MY_"),)), {KEYS: {"ACME_API_KEY"}}, set(), id="a prefix makes it none"),
        pytest.param(
            taking("ACME_BASE_URL", of=(Source(KEYS, ""),)),
            {KEYS: {"ACME_TOKEN"}},
            {"ACME_TOKEN"},
            id="a key that no variable leads elsewhere",
        ),
        pytest.param(
            taking("ACME_API_KEY", of=(Source(KEYS, ""),)),
            {KEYS: {"ACME_API_KEY"}},
            set(),
            id="a literal of the pod, which admission sees",
        ),
        pytest.param(
            taking(of=(Source(CONFIG, ""),), picked=(("ACME_API_KEY", KEYS, "key"),)),
            {CONFIG: {"MODEL"}},
            {"key"},
            id="picked from a Secret, and the ConfigMap that admission had to doubt leads nowhere else",
        ),
        pytest.param(
            taking(of=(Source(CONFIG, ""),), picked=(("ACME_API_KEY", KEYS, "key"),)),
            {CONFIG: {"ACME_BASE_URL"}},
            set(),
            id="picked from a Secret, and the ConfigMap leads elsewhere",
        ),
        pytest.param(
            taking(of=(Source(CONFIG, ""),), picked=(("ACME_API_KEY", KEYS, "key"),)),
            {CONFIG: {"MODEL"}, KEYS: {"other"}},
            set(),
            id="picked from a key that is not there",
        ),
        pytest.param(
            taking(picked=(("ACME_API_KEY", KEYS, "key"),)),
            {KEYS: {"key"}},
            set(),
            id="picked where admission sees every variable and judges it",
        ),
        pytest.param(
            taking(of=(Source(KEYS, ""),), blank=("ACME_BASE_URL",)),
            {KEYS: {"ACME_API_KEY", "ACME_BASE_URL"}},
            {"ACME_API_KEY"},
            id="a base URL that the pod sets to nothing",
        ),
        pytest.param(
            taking("HUB_URL", of=(Source(KEYS, ""),)),
            {KEYS: {"ACME_API_KEY"}},
            set(),
            id="a key of two groups, led elsewhere by either",
        ),
        pytest.param(
            taking(of=(Source(KEYS, ""),)), {KEYS: {"FREE_KEY"}}, set(), id="a key that an allowed group has too"
        ),
        pytest.param(
            taking(of=(Source(KEYS, ""),)), {KEYS: {"HUB_TOKEN"}}, {"HUB_TOKEN"}, id="a key to be alerted about"
        ),
        pytest.param(
            taking(of=(Source(CONFIG, ""), Source(KEYS, ""))),
            {KEYS: {"ACME_API_KEY"}},
            set(),
            id="the base URL may stand in what was not read",
        ),
        pytest.param(taking(of=(Source(KEYS, ""),)), {KEYS: {"PASSWORD"}}, set(), id="a key of nobody's"),
    ],
)
def test_a_provider_key_without_a_base_url(pod: References, seen: dict[Ref, set[str]], want: set[str]) -> None:
    looked = {ref: Seen(frozenset(keys)) for ref, keys in seen.items()}

    found = list(conclude(survey([pod]), looked, rules()))

    assert {each.key for each in found} == want
    assert {each.leak for each in found} <= {"ProviderKey"}


@pytest.mark.parametrize(
    ("pod", "want"),
    [
        pytest.param(taking(picked=(("LLM_URL", CONFIG, "url"),)), {"url"}, id="picked into an endpoint variable"),
        pytest.param(taking(of=(Source(CONFIG, "LLM_"),)), {"URL"}, id="come with a prefix"),
        pytest.param(taking(picked=(("ACME_BASE_URL", CONFIG, "url"),)), {"url"}, id="of a provider"),
        pytest.param(taking(picked=(("DATABASE", CONFIG, "url"),)), set(), id="of something else"),
        pytest.param(taking(picked=(("LLM_URL", CONFIG, "inside"),)), set(), id="an address inside"),
        pytest.param(taking("LLM_URL", of=(Source(CONFIG, "LLM_"),)), set(), id="overruled by the pod"),
    ],
)
def test_an_address_that_is_not_inside_in_a_variable_for_an_endpoint(pod: References, want: set[str]) -> None:
    seen = {CONFIG: Seen(frozenset({"url", "inside", "URL"}), outside=frozenset({"url", "URL"}))}

    found = list(conclude(survey([pod]), seen, rules()))

    assert {each.key for each in found} == want
    assert {each.leak for each in found} <= {"Address"}
    assert all("declare the network in spec.internal.networks" in each.message for each in found)


def test_a_provider_key_of_an_allowed_group_is_none() -> None:
    pod = taking(of=(Source(KEYS, ""),))

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
            "names an endpoint of the group acme, which is to be looked at. Write the in-cluster URL of a LocalModel",
            id="an endpoint to be alerted about",
        ),
        pytest.param(
            finding(leak="ProviderKey", instead=("ACME_BASE_URL", "ACME_API_BASE")),
            "its client calls the provider. Set ACME_BASE_URL or ACME_API_BASE to the in-cluster URL of a LocalModel",
            id="a provider key",
        ),
        pytest.param(
            finding(leak="ProviderKey"), "No variable leads that client elsewhere: remove the key", id="a key for good"
        ),
        pytest.param(
            finding(leak="WayOut", group=""),
            "leads to a declared forward proxy or private endpoint, which is outside. Address internal services",
            id="a proxy",
        ),
        pytest.param(
            finding(used_by=("Pod/a", "Pod/b", "Pod/c", "Pod/d", "Pod/e")),
            "used by Pod/a, Pod/b and 3 more: names",
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
            Gaps(denied={(POD, "team")}),
            Settings(references_secrets=True),
            "What pods in team refer to is not looked at: the operator lacks the right to list pods there. Grant it, "
            "as the chart does.",
            id="no right to list pods",
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
