"""Reading pods: what the kubelet and the scheduler write, and the sentence that it becomes."""

from __future__ import annotations

from typing import Any

import pytest

from bolwerk.core.model import pods as reading
from bolwerk.core.model.pods import Trouble
from core.builders import make_container, make_pod

TRACEBACK = """\
Traceback (most recent call last):
  File "/usr/lib/python3/vllm/engine.py", line 3, in start
ValueError: No available memory for the cache blocks.
RuntimeError: Engine core initialization failed. See root cause above.
"""
CRASH = {"exitCode": 1, "reason": "Error", "message": TRACEBACK}
OOM = {"exitCode": 137, "reason": "OOMKilled"}
BACK_OFF = "back-off 5m0s restarting failed container=engine pod=llama-6f7d_ai(0a1b)"
PULL = 'failed to pull and unpack image "r/x:1": r/x:1: not found'


@pytest.mark.parametrize(
    ("container", "want"),
    [
        pytest.param(make_container(waiting=("ContainerCreating", "")), None, id="it is being made"),
        pytest.param(make_container(running=True), None, id="it runs and loads"),
        pytest.param(
            make_container(running=True, ready=True, ended_before=CRASH), None, id="it crashed once, and serves"
        ),
        pytest.param(make_container(ended={"exitCode": 0, "reason": "Completed"}), None, id="it ended well"),
        pytest.param({"name": "engine"}, None, id="nothing is known of it"),
        pytest.param(
            make_container(waiting=("ErrImagePull", PULL)), Trouble("image", PULL), id="its image cannot be pulled"
        ),
        pytest.param(
            make_container(waiting=("ImagePullBackOff", f'Back-off pulling image "r/x:1": ErrImagePull: {PULL}')),
            Trouble("image", PULL),
            id="the same words while the kubelet waits",
        ),
        pytest.param(
            make_container(waiting=("InvalidImageName", "")), Trouble("image", "InvalidImageName"), id="no words at all"
        ),
        pytest.param(
            make_container(waiting=("CrashLoopBackOff", BACK_OFF), ended_before=CRASH),
            Trouble("crash", "the engine exits with code 1: ValueError: No available memory for the cache blocks."),
            id="it crashes again and again: the line that says why",
        ),
        pytest.param(
            make_container(running=True, ended_before=CRASH),
            Trouble("crash", "the engine exits with code 1: ValueError: No available memory for the cache blocks."),
            id="it was started once more after a crash",
        ),
        pytest.param(
            make_container(ended={"exitCode": 2}),
            Trouble("crash", "the engine exits with code 2: it left no message"),
            id="it crashed without a word",
        ),
        pytest.param(
            make_container(ended={"exitCode": 2, "message": "plain\nlast line\n"}),
            Trouble("crash", "the engine exits with code 2: last line"),
            id="no error in the log: its last line",
        ),
        pytest.param(
            make_container(ended={"exitCode": 2, "message": "  \n"}),
            Trouble("crash", "the engine exits with code 2:   \n"),
            id="a log of blanks",
        ),
        pytest.param(
            make_container(ended=OOM),
            Trouble(
                "crash", "the engine ran out of memory and was killed: raise resources.limits.memory or ask for less"
            ),
            id="out of memory",
        ),
        pytest.param(
            make_container("exporter", ended=OOM),
            Trouble(
                "crash",
                "container exporter ran out of memory and was killed: raise its limit in podTemplate or ask for less",
            ),
            id="a sidecar out of memory is not the engine",
        ),
        pytest.param(
            make_container("exporter", ended={"exitCode": 3, "message": "no"}),
            Trouble("crash", "container exporter exits with code 3: no"),
            id="a sidecar that crashes",
        ),
        pytest.param(
            make_container(waiting=("CreateContainerConfigError", 'secret "keys" not found')),
            Trouble("container", 'CreateContainerConfigError: secret "keys" not found'),
            id="a Secret is missing",
        ),
        pytest.param(
            make_container(waiting=("CreateContainerError", "")),
            Trouble("container", "CreateContainerError: the kubelet gives no more detail"),
            id="it cannot be made, and nobody says why",
        ),
    ],
)
def test_the_trouble_of_a_container(container: Any, want: Trouble | None) -> None:
    assert reading.troubles([make_pod(containers=(container,))]) == ([want] if want else [])


def test_replicas_with_the_same_trouble_are_one_sentence_in_a_stable_order() -> None:
    pod = make_pod(containers=(make_container(ended=CRASH),), init_containers=(make_container("init", ended=OOM),))

    assert reading.troubles([pod, pod]) == reading.troubles([pod])
    assert [trouble.kind for trouble in reading.troubles([pod])] == ["crash", "crash"]


def test_only_pods_of_the_template_that_stay_count() -> None:
    mine = make_pod("a")

    assert reading.of_template([mine, make_pod("b"), make_pod("a", deleting=True)], "a") == [mine]


@pytest.mark.parametrize(
    ("container", "want"),
    [
        pytest.param(make_container(waiting=("ContainerCreating", "")), False, id="being made"),
        pytest.param(make_container(running=True), True, id="running"),
        pytest.param(make_container(waiting=("CrashLoopBackOff", ""), ended_before=CRASH), True, id="ran before"),
    ],
)
def test_volumes_are_mounted_once_a_container_was_started(container: Any, want: bool) -> None:
    assert reading.started([make_pod(containers=(container,))]) is want


def test_a_pod_on_its_way_out_is_not_ready() -> None:
    assert reading.is_ready(make_pod(ready=True))
    assert not reading.is_ready(make_pod(ready=True, deleting=True))


def test_a_pod_of_which_nothing_is_known_raises_nothing() -> None:
    bare = {"metadata": {"name": "x"}}

    assert reading.troubles([bare]) == []
    assert reading.unschedulable([bare]) is None
    assert not reading.is_ready(bare)
    assert not reading.is_scheduled(bare)
    assert not reading.started([bare])
