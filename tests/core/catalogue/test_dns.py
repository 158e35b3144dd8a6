"""The snippet for CoreDNS: it refuses exactly what the policy refuses, counts by group, and fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bolwerk.core.catalogue import Catalogue, decisions
from bolwerk.core.catalogue.dns import dns_config_map, refusals
from bolwerk.core.catalogue.dns.configmap import MOST_BYTES
from bolwerk.core.catalogue.dns.text import quoted
from bolwerk.core.catalogue.patterns import compiled
from bolwerk.core.catalogue.schema import Group, SiteEnvironment
from bolwerk.core.invalid import InvalidSpecError
from bolwerk.core.policy.subject import Subject
from bolwerk.core.settings import Settings
from core.catalogue.files import catalogue, decided
from core.catalogue.resolver import Resolver

GOLDEN = Path(__file__).parent / "golden"
SETTINGS = Settings(namespace="bolwerk-system")
CHOICE: dict[str, Any] = {
    "alert": ["mirror"],
    "allow": ["ours"],
    "entries": [{"name": "ours", "hosts": ["tenant.alpha.example"], "suffixes": ["status.alpha.example"]}],
}
KNOWN = catalogue(
    alpha={"suffixes": ["alpha.example", "alpha-chat.example"], "exact": ["alpha.cdn.example"]},
    cloud={
        "patterns": [r"^models(-fips)?\.[a-z0-9-]+\.cloud\.example$"],
        "examples": {"refused": ["models.eu-1.cloud.example"]},
    },
    other={
        "patterns": [r"^other\.[a-z0-9-]+\.cloud\.example$"],
        "examples": {"refused": ["other.eu-1.cloud.example"]},
    },
    mirror={
        "suffixes": ["mirror.example"],
        "patterns": [r"^mirror\.[a-z0-9-]+\.cloud\.example$"],
        "examples": {"refused": ["mirror.eu-1.cloud.example"]},
    },
    router={"suffixes": ["router.mirror.example"]},
)


def subject(mode: str = "Enforce", **choice: Any) -> Subject:
    policy = {
        "metadata": {"name": "rijk", "uid": "uid-rijk", "generation": 1},
        "spec": {
            "namespaceSelector": {},
            "mode": mode,
            "internal": {"networks": ["10.20.0.0/16"]},
            "catalogue": choice,
        },
    }
    return Subject.of(policy, SETTINGS)


def config_map(known: Catalogue, mode: str = "Enforce", **choice: Any) -> dict[str, Any]:
    asked = subject(mode, **choice)
    return dns_config_map(asked, decisions(known, asked.spec.catalogue), SETTINGS)


@pytest.mark.parametrize(
    ("name", "want_zone"),
    [
        ("alpha.example", "alpha.refused.bolwerk.invalid"),
        ("api.alpha.example", "alpha.refused.bolwerk.invalid"),
        ("x.tenant.alpha.example", "alpha.refused.bolwerk.invalid"),
        ("tenan.alpha.example", "alpha.refused.bolwerk.invalid"),
        ("tenants.alpha.example", "alpha.refused.bolwerk.invalid"),
        ("x.alpha-chat.example", "alpha-chat.example"),
        ("alpha.cdn.example", "alpha.refused.bolwerk.invalid"),
        ("models.eu-1.cloud.example", "cloud.refused.bolwerk.invalid"),
        ("models-fips.eu-1.cloud.example", "cloud.refused.bolwerk.invalid"),
        ("other.eu-1.cloud.example", "other.refused.bolwerk.invalid"),
        ("x.router.mirror.example", "router.mirror.example"),
        ("tenant.alpha.example", None),
        ("status.alpha.example", None),
        ("x.y.status.alpha.example", None),
        ("xalpha.example", None),
        ("alpha.example.org", None),
        ("x.alpha.cdn.example", None),
        ("disks.eu-1.cloud.example", None),
        ("models.cloud.example", None),
        ("cloud.example", None),
        ("mirror.example", None),
        ("mirror.eu-1.cloud.example", None),
        ("kubernetes.default.svc.cluster.local", None),
    ],
)
def test_a_name_is_refused_and_counted_for_its_group_or_answered(name: str, want_zone: str | None) -> None:
    rulings = decided(KNOWN, **CHOICE)
    refused = refusals(rulings)
    resolver = Resolver(refused)
    assert resolver.refuses(name) == (want_zone is not None)
    if want_zone:
        assert dict(resolver.hits) == {want_zone: 1}
        found = rulings.find(name)
        assert found is not None
        assert refused.zones[want_zone] == found.match.group


LABEL = st.sampled_from(["a", "b", "ab", "abc", "x-1", "_s"])
NAME = st.lists(LABEL, min_size=1, max_size=4).map(lambda labels: ".".join([*labels, "example"]))
HEAD = st.sampled_from(["(a|b)", "[a-z0-9-]+", r"ab?\.[a-z]+", "x-1"])
PATTERN = st.tuples(HEAD, NAME.filter(lambda name: "_" not in name)).map(
    lambda parts: rf"^{parts[0]}\.{parts[1].replace('.', chr(92) + '.')}$"
)
ENTRIES = {"suffixes": NAME, "exact": NAME, "patterns": PATTERN}
GROUP = st.fixed_dictionaries({kind: st.sets(entry, max_size=4) for kind, entry in ENTRIES.items()})


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(GROUP, st.sampled_from(["refuse", "alert", "allow"])), min_size=1, max_size=5), st.data())
def test_dns_refuses_exactly_what_the_policy_refuses(
    asked: list[tuple[dict[str, set[str]], str]], data: st.DataObject
) -> None:
    taken: dict[str, set[str]] = {kind: set() for kind in ENTRIES}
    groups: list[Group] = []
    choice: dict[str, list[str]] = {"refuse": [], "alert": [], "allow": []}
    for number, (group, decision) in enumerate(asked):
        fields: dict[str, Any] = {kind: tuple(sorted(names - taken[kind])) for kind, names in group.items()}
        groups.append(Group(name=f"g{number}", title="t", jurisdiction="EU", sources=("vendor",), **fields))
        choice[decision].append(f"g{number}")
        for kind, names in group.items():
            taken[kind] |= names
    known = Catalogue.of(version="", groups=groups, sources={}, shared_apexes=(), environment=SiteEnvironment())
    rulings = decided(known, **choice)
    refused = refusals(rulings)
    near = sorted(taken["suffixes"] | taken["exact"] | {compiled(text).domain for text in taken["patterns"]})
    for name in [*near, *(f"{data.draw(LABEL)}.{name}" for name in near), data.draw(NAME), "example"]:
        resolver, found = Resolver(refused), rulings.find(name)
        want = found is not None and found.decision == "Refuse"
        assert resolver.refuses(name) == want, name
        if want and found:
            assert {refused.zones[zone] for zone in resolver.hits} == {found.match.group}, name


@pytest.mark.parametrize(
    ("name", "mode", "choice"),
    [
        ("enforce", "Enforce", CHOICE),
        ("audit", "Audit", CHOICE),
        ("nothing", "Enforce", {"allow": list(KNOWN.groups)}),
    ],
)
def test_the_snippet_reads_as_reviewed(
    name: str, mode: str, choice: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    path = GOLDEN / f"{name}.yaml"
    text = yaml.dump(config_map(KNOWN, mode, **choice), sort_keys=False, width=1000, default_style="|")
    readable = yaml.dump(config_map(KNOWN, mode, **choice), Dumper=_Readable, sort_keys=False, width=1000)
    assert yaml.safe_load(text) == yaml.safe_load(readable)
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(readable, encoding="utf-8")
    assert readable == path.read_text(encoding="utf-8")


class _Readable(yaml.SafeDumper):
    pass


_Readable.add_representer(
    str,
    lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None),
)


def test_the_object_belongs_to_the_policy_and_stands_where_the_platform_wants_it() -> None:
    manifest = config_map(KNOWN)
    assert manifest["metadata"]["name"] == "bolwerk-rijk-dns"
    assert manifest["metadata"]["namespace"] == "bolwerk-system"
    assert manifest["metadata"]["labels"]["app.kubernetes.io/component"] == "dns"
    elsewhere = Settings(namespace="bolwerk-system", dns_namespace="kube-system")
    asked = subject()
    moved = dns_config_map(asked, decisions(KNOWN, asked.spec.catalogue), elsewhere)
    assert moved["metadata"]["namespace"] == "kube-system"


def test_in_audit_nothing_is_refused_and_all_is_told_of() -> None:
    data = config_map(KNOWN, "Audit")["data"]
    assert "template" not in data["bolwerk-rijk.override"]
    assert "rcode" not in data["bolwerk-rijk.override"].replace("{rcode}", "")
    assert 'log alpha.example alpha-chat.example "bolwerk group=alpha decision=Refuse' in data["bolwerk-rijk.override"]
    for group in KNOWN.groups:
        assert f"view bolwerk-{group} " in data["bolwerk-rijk.views"]


def test_a_log_inside_the_server_block_says_what_it_cannot_tell_of() -> None:
    text = config_map(KNOWN, **CHOICE)["data"]["bolwerk-rijk.override"]
    assert "# Limit: mirror: names by pattern (1) are logged and counted by the views only" in text


def test_no_two_groups_share_a_zone() -> None:
    zones = [zone for block in refusals(decided(KNOWN, **CHOICE)).blocks for zone in block.zones]
    assert len(zones) == len(set(zones))


def test_200_groups_of_64_names_fit() -> None:
    groups = {
        f"group-{group}": {"suffixes": [f"api-{name}.provider-{group}.example" for name in range(64)]}
        for group in range(200)
    }
    data = config_map(catalogue(**groups))["data"]
    assert sum(len(value.encode()) for value in data.values()) <= MOST_BYTES
    assert data["bolwerk-rijk.override"].count("template IN ANY") == 200
    assert len(yaml.safe_load(data["bolwerk-rijk.rules.yaml"])["groups"][0]["rules"]) == 200


def test_what_does_not_fit_is_left_out_in_words_and_the_names_come_first() -> None:
    groups = {
        f"group-{group}": {"suffixes": [f"{'a' * 9}-{name}.provider-{group}.example" for name in range(64)]}
        for group in range(200)
    }
    data = config_map(catalogue(**groups))["data"]
    assert list(data) == ["bolwerk-rijk.override"]
    assert data["bolwerk-rijk.override"].startswith("# Limit: there is no room for bolwerk-rijk.rules.yaml")


def test_more_names_than_a_config_map_holds_are_refused_with_the_mend() -> None:
    groups = {
        f"group-{group}": {"exact": [f"{'a' * 9}-{name}.provider-{group}.example" for name in range(64)]}
        for group in range(200)
    }
    with pytest.raises(
        InvalidSpecError, match=r"the names of 200 groups take 1\d+ bytes in DNS, and a ConfigMap holds 1000000"
    ):
        config_map(catalogue(**groups))


@pytest.mark.parametrize("text", ["a\nb", "{$HOME}", "{%HOME%}", "a\\", "a\x00"])
def test_what_a_corefile_cannot_say_is_not_written(text: str) -> None:
    with pytest.raises(ValueError, match="cannot say"):
        quoted(text)


def test_quotes_are_escaped() -> None:
    assert quoted('a "b" # c') == r'"a \"b\" # c"'
