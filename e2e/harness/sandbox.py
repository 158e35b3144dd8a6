"""A place where a real node can do as it likes: `python -m harness.sandbox COMMAND…`, as root on Linux.

Called by `make e2e`. The command runs in network, mount and process namespaces of its own, so interfaces, routes,
firewall rules, mounts, BPF programs and processes go with it, however it ends; what it writes to /etc, /opt, /run and
/var/lib goes to a folder that is removed, and kernel settings that it changes are files there. Only control groups
live outside; they are removed here too. Afterwards `leftovers` compares the machine with how it was found.
"""

import ctypes
import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from harness import cache

FOLDER = "BOLWERK_SANDBOX"
"""The environment variable that names the sandbox' folder; it is set inside only."""
_CGROUPS = Path("/sys/fs/cgroup")
_NAMESPACES = ("--net", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc")
_GRACE = 90.0  # seconds for the command to end what it started
# What the kubelet and Cilium want of the whole machine's kernel. They find it so, or write it, in files of ours.
_KERNEL_SETTINGS = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1000000,
    "kernel/keys/root_maxbytes": 25000000,
    "kernel/unprivileged_bpf_disabled": 2,
    "kernel/timer_migration": 0,
}


class OutsideError(RuntimeError):
    """Something needs the sandbox and is not in it; the message says how to get in."""


def folder() -> Path:
    """Return the folder for everything that may grow large or must not outlive the sandbox."""
    inside = os.environ.get(FOLDER)
    if not inside:
        raise OutsideError("a real node runs only in its sandbox: run `make e2e`, as root on Linux")
    return Path(inside)


def cgroup() -> str:
    """Return the name of the control group, in every hierarchy, that everything of the node lives in."""
    return folder().name


def run(command: Sequence[str]) -> int:
    """Run a command in a sandbox and return its exit status, or 1 if it left anything behind."""
    refusal = _refusal()
    if refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return 1
    cache.root().mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="bolwerk-", dir=cache.root()))
    found = _state()
    status = 1
    try:
        status = _run_inside(command, place)
    finally:
        _remove_cgroups(place.name)
        shutil.rmtree(place, ignore_errors=True)
        left = leftovers(place, found)
        for line in left:
            print(f"error: left behind: {line}", file=sys.stderr)
    if not left:
        cache.say("the sandbox is gone: mounts, interfaces, control groups, BPF programs are as they were found")
    return 1 if left else status


def _refusal() -> str | None:
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a real node needs root on Linux: run `make e2e` as root (`make test` and `make demo` need no root)"
    missing = [program for program in ("unshare", "setpriv", "ip", "nsenter", "mount") if not shutil.which(program)]
    if missing:
        return f"there is no {', '.join(missing)}: apt-get install util-linux iproute2 mount"
    return None


def _run_inside(command: Sequence[str], place: Path) -> int:
    prefix = ["setpriv", "--pdeathsig", "KILL", "unshare", *_NAMESPACES, sys.executable, "-m", "harness.sandbox"]
    environment = {**os.environ, FOLDER: str(place), "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    # A process group of its own, so that a signal for the command reaches it behind `unshare`, which ignores it.
    popen = subprocess.Popen([*prefix, "--init", *command], env=environment, process_group=0)

    def pass_on(number: int, _frame: FrameType | None) -> None:
        os.killpg(popen.pid, number)
        signal.alarm(int(_GRACE))

    def lose_patience(_number: int, _frame: FrameType | None) -> None:
        popen.kill()

    signal.signal(signal.SIGINT, pass_on)
    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGALRM, lose_patience)
    return popen.wait()


def _be_init(command: Sequence[str]) -> int:
    """Prepare the inside and run the command as process 1's child, collecting orphans meanwhile."""
    _mount()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # the command gets them too and ends in order
    child = subprocess.Popen(command)
    while True:
        pid, status = os.wait()
        if pid == child.pid:
            return os.waitstatus_to_exitcode(status) % 256


def _mount() -> None:
    place = folder()
    mounts = [
        ["-t", "tmpfs", "tmpfs", "/run"],
        ["-t", "tmpfs", "tmpfs", "/var/log"],
        ["-t", "bpf", "bpf", "/sys/fs/bpf"],
    ]
    for path in ("/etc", "/opt", "/var/lib"):
        upper, work = (place / "root" / kind / path.strip("/") for kind in ("upper", "work"))
        upper.mkdir(parents=True)
        work.mkdir(parents=True)
        mounts.append(["-t", "overlay", "-o", f"lowerdir={path},upperdir={upper},workdir={work}", "overlay", path])
    for name, value in _KERNEL_SETTINGS.items():
        setting = Path("/proc/sys", name)
        if setting.exists():
            stand_in = place / "kernel" / name
            stand_in.parent.mkdir(parents=True, exist_ok=True)
            stand_in.write_text(f"{value}\n", encoding="ascii")
            mounts.append(["--bind", str(stand_in), str(setting)])
    for arguments in mounts:
        subprocess.run(["mount", *arguments], check=True)


def _remove_cgroups(name: str) -> None:
    """Remove the sandbox' control groups; the kernel may need a moment to see that they are empty."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        groups = [path for top in _tops(name) for path in sorted(_folders(top), reverse=True)]
        if not groups:
            return
        for group in groups:
            try:
                group.rmdir()
            except OSError as reason:
                if reason.errno not in (errno.EBUSY, errno.ENOENT, errno.ENOTEMPTY):
                    raise
        time.sleep(0.2)


def _tops(name: str) -> list[Path]:
    return [path for path in (_CGROUPS / name, *_CGROUPS.glob(f"*/{name}")) if path.is_dir()]


def _folders(top: Path) -> list[Path]:
    return [Path(path) for path, _, _ in os.walk(top)]


def leftovers(place: Path, found: dict[str, set[str]]) -> list[str]:
    """Say what of a sandbox is still there, after giving the kernel time to take it down."""
    deadline = time.monotonic() + 20
    while True:
        now = _state()
        left = [f"{path}" for path in (place, *_tops(place.name)) if path.exists()]
        left += [f"{kind} {one}" for kind, ones in now.items() for one in sorted(ones - found[kind])]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.5)


def _state() -> dict[str, set[str]]:
    """Return what of the machine's state could be left changed: kind -> names."""
    return {
        "mount": {line.split()[1] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()},
        "network interface": {path.name for path in Path("/sys/class/net").iterdir()},
        "BPF program": _bpf_programs(),
    }


def _bpf_programs() -> set[str]:
    """Return the ids of all BPF programs in the kernel."""
    libc = ctypes.CDLL(None, use_errno=True)
    system_call, get_next_program = 321, 11  # __NR_bpf on x86-64, BPF_PROG_GET_NEXT_ID
    request = (ctypes.c_uint32 * 3)(0, 0, 0)  # start, answer, flags
    found: set[str] = set()
    while libc.syscall(system_call, get_next_program, ctypes.byref(request), ctypes.sizeof(request)) == 0:
        found.add(str(request[1]))
        request[0] = request[1]
    return found


def main(arguments: list[str]) -> int:
    """Run a command in a sandbox."""
    if not arguments:
        print("usage: python -m harness.sandbox COMMAND…", file=sys.stderr)
        return 2
    if arguments[0] == "--init":
        return _be_init(arguments[1:])
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
