"""What counts as a difference between what is desired and what is live, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from bolwerk.core.difference import difference

SELECTOR = {"matchLabels": {"app": "chat"}}


@pytest.mark.parametrize(
    ("desired", "live"),
    [
        pytest.param({"a": 1}, {"a": 1, "b": 2}, id="the API server filled in a default"),
        pytest.param({"a": None}, {}, id="null is absent"),
        pytest.param({"a": []}, {}, id="an empty list is absent"),
        pytest.param({"labels": {}}, {}, id="empty labels are absent"),
        pytest.param({}, {"annotations": {"foreign": "1"}}, id="somebody added an annotation"),
        pytest.param({"limits": {"memory": "1024Mi"}}, {"limits": {"memory": "1Gi"}}, id="a quantity was rewritten"),
        pytest.param({"emptyDir": {"sizeLimit": "0.5Gi"}}, {"emptyDir": {"sizeLimit": "512Mi"}}, id="a size limit too"),
        pytest.param({"hostNetwork": False}, {}, id="false is left out where false is the default"),
        pytest.param(
            {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
            {"env": [{"name": "B", "value": "2"}, {"name": "C"}, {"name": "A", "value": "1"}]},
            id="a keyed list in another order, with one item more",
        ),
        pytest.param({"command": ["a", "b"]}, {"command": ["a", "b"]}, id="the same list"),
        pytest.param(
            {"volumes": [{"name": "x", "emptyDir": {}}]},
            {"volumes": [{"name": "x", "emptyDir": {}}]},
            id="an empty struct that is kept",
        ),
    ],
)
def test_no_difference(desired: Any, live: Any) -> None:
    assert difference(desired, live) is None


@pytest.mark.parametrize(
    ("desired", "live", "want_path"),
    [
        pytest.param({"a": {"b": 1}}, {"a": {"b": 2}}, "a.b", id="another value"),
        pytest.param({"a": {"b": 1}}, {}, "a", id="a whole part is gone"),
        pytest.param({"a": "1"}, {"a": 1}, "a", id="a number is not its digits"),
        pytest.param({"a": True}, {"a": 1}, "a", id="true is not one"),
        pytest.param({"value": "1Gi"}, {"value": "1024Mi"}, "value", id="what looks like a quantity but is text"),
        pytest.param({"limits": {"cpu": "1"}}, {"limits": {"cpu": "2"}}, "limits.cpu", id="another amount"),
        pytest.param({"limits": {"cpu": "1"}}, {"limits": {"cpu": "lots"}}, "limits.cpu", id="no amount at all"),
        pytest.param({"automount": False}, {}, "automount", id="false where absence may mean true"),
        pytest.param(
            {"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "A", "value": "2"}]}, "env[A].value",
            id="an item of a keyed list",
        ),
        pytest.param({"env": [{"name": "A"}]}, {"env": []}, "env[A]", id="an item is gone"),
        pytest.param({"command": ["a"]}, {"command": ["a", "b"]}, "command", id="a list is one value"),
        pytest.param({"command": ["a"]}, {"command": ["b"]}, "command[0]", id="an item of such a list"),
        pytest.param({"command": ["a"]}, {"command": "a"}, "command", id="a list became a string"),
        pytest.param({"command": ["a"]}, {}, "command", id="a list is gone"),
        pytest.param({"podSelector": {}}, {}, "podSelector", id="an empty selector selects all, an absent one none"),
        pytest.param(
            {"selector": {"a": "1"}}, {"selector": {"a": "1", "b": "2"}}, "selector",
            id="a selector with one key more selects something else",
        ),
        pytest.param({"a": {"b": 1}}, {"a": "text"}, "a", id="a map became a string"),
    ],
)  # fmt: skip
def test_the_first_difference_is_named(desired: Any, live: Any, want_path: str) -> None:
    assert difference(desired, live) == want_path


@pytest.mark.parametrize(
    ("desired", "live", "want_path"),
    [
        pytest.param({"ingress": []}, {"ingress": [{}]}, "spec.ingress", id="a rule where there is none"),
        pytest.param({"egress": []}, {"egress": [{"to": []}]}, "spec.egress", id="a way out"),
        pytest.param(
            {"ingress": [{"from": [{"podSelector": SELECTOR}]}]},
            {"ingress": [{"from": [{"podSelector": SELECTOR, "namespaceSelector": {}}]}]},
            "spec.ingress[0].from[0].namespaceSelector",
            id="a peer of this namespace was opened to every namespace",
        ),
        pytest.param(
            {"ingress": [{"from": [{"podSelector": SELECTOR, "namespaceSelector": {}}]}]},
            {"ingress": [{"from": [{"podSelector": SELECTOR}]}]},
            "spec.ingress[0].from[0].namespaceSelector",
            id="a peer of every namespace was narrowed to this one",
        ),
        pytest.param(
            {"ingress": [{"from": [{"podSelector": SELECTOR}]}]},
            {"ingress": [{"from": [{"podSelector": {}}]}]},
            "spec.ingress[0].from[0].podSelector.matchLabels",
            id="a peer was widened to all pods",
        ),
        pytest.param(
            {"podSelector": SELECTOR},
            {"podSelector": {"matchLabels": {"app": "chat", "x": "y"}}},
            "spec.podSelector.matchLabels",
            id="the pods that are meant became fewer",
        ),
        pytest.param(
            {"podSelector": SELECTOR},
            {"podSelector": {**SELECTOR, "matchExpressions": [{"key": "x", "operator": "Exists"}]}},
            "spec.podSelector",
            id="fewer by an expression",
        ),
    ],
)
def test_an_exact_field_may_not_have_more(desired: Any, live: Any, want_path: str) -> None:
    found = difference({"spec": desired}, {"spec": live}, exact=("spec",))

    assert found is not None
    assert found.startswith(want_path)


@pytest.mark.parametrize("absent", [pytest.param({}, id="absent"), pytest.param({"spec": None}, id="null")])
def test_an_exact_field_that_is_absent_differs_and_does_not_raise(absent: Any) -> None:
    assert difference({"spec": {"a": 1}}, absent, exact=("spec",)) == "spec"
