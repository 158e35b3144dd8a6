"""Which Go programs the harness runs, and how each is built: the table behind `harness.tools`.

Versions are not written here but in `e2e/tools/<folder>/go.mod`, next to the checksums of everything they import.
Nothing in this file builds, looks for or runs anything.
"""

import dataclasses
import functools
import hashlib
import platform
import re
from collections.abc import Mapping
from pathlib import Path

MODULES = Path(__file__).resolve().parent.parent / "tools"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Family:
    """Commands that are built together because they share nearly all of their packages."""

    name: str
    module: str
    """The Go module whose version is the pin."""
    commands: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Command name -> the Go package that builds it; none where only data is wanted."""
    folders: Mapping[str, tuple[str, str]] = dataclasses.field(default_factory=dict)
    """Name -> (Go module, path in it) of data that the commands need at run time."""
    folder: str = ""
    """Folder of `e2e/tools` that pins the family; its own name unless two families share one go.mod."""
    tags: str = ""
    cgo: bool = False
    version_variables: tuple[str, ...] = ()
    """Variables that the linker sets to the version, for programs that learn it from their build only."""
    accept_installed: bool = True
    """Whether a copy that is already here will do; not where data files must be of the very same version."""
    version_flags: tuple[str, ...] = ("--version",)

    @property
    def pins(self) -> Path:
        """The folder with the family's go.mod and go.sum."""
        return MODULES / (self.folder or self.name)

    @functools.cached_property
    def version(self) -> str:
        """The pinned version, as in `v1.36.3`."""
        text = (self.pins / "go.mod").read_text(encoding="utf-8")
        found = re.search(rf"^(?:require|\s)\s*{re.escape(self.module)} (v\S+)", text, re.MULTILINE)
        if found is None:
            raise ValueError(f"{self.pins / 'go.mod'} does not require {self.module}: run `go get -tool` there")
        return str(found.group(1))

    @property
    def go_needed(self) -> str:
        """The least version of Go that can build the family, as in `1.26.0`."""
        text = (self.pins / "go.mod").read_text(encoding="utf-8")
        return str(re.findall(r"^go (\S+)$", text, re.MULTILINE)[0])

    @property
    def flags(self) -> list[str]:
        """What `go build` is told: the same bytes wherever it runs, from exactly the pinned sources."""
        links = " ".join(["-s", "-w", *(f"-X {variable}" for variable in self._link_values())])
        tags = ["-tags", self.tags] if self.tags else []
        return ["-mod=readonly", "-trimpath", "-buildvcs=false", *tags, "-ldflags", links]

    def _link_values(self) -> list[str]:
        major, minor = self.version.removeprefix("v").split(".")[:2]
        values = {"version": self.version, "major": major, "minor": minor}
        return [variable.format(**values) for variable in self.version_variables]

    @property
    def key(self) -> str:
        """Changes when anything changes that the built files depend on."""
        parts = [
            (self.pins / "go.mod").read_bytes(),
            (self.pins / "go.sum").read_bytes(),
            repr((self.flags, self.cgo, sorted(self.commands.items()), sorted(self.folders.items()))).encode(),
            f"{platform.system()} {platform.machine()}".encode(),
        ]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


_KUBERNETES = "k8s.io/kubernetes"
# Without these the API server calls itself v0.0.0, and clients and charts that look at its version misjudge it.
_KUBERNETES_VERSION = (
    "k8s.io/component-base/version.gitVersion={version}",
    "k8s.io/component-base/version.gitMajor={major}",
    "k8s.io/component-base/version.gitMinor={minor}",
    "k8s.io/client-go/pkg/version.gitVersion={version}",
)

ALL = (
    Family(
        name="kubernetes",
        module=_KUBERNETES,
        commands={
            name: f"{_KUBERNETES}/cmd/{name}"
            for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
        },
        version_variables=_KUBERNETES_VERSION,
    ),
    Family(
        name="etcd",
        module="go.etcd.io/etcd/server/v3",
        commands={"etcd": "go.etcd.io/etcd/server/v3"},
    ),
    Family(
        name="helm",
        module="helm.sh/helm/v4",
        commands={"helm": "helm.sh/helm/v4/cmd/helm"},
        version_variables=("helm.sh/helm/v4/internal/version.version={version}",),
        version_flags=("version", "--short"),
    ),
    Family(
        name="kwok",
        module="sigs.k8s.io/kwok",
        commands={"kwok": "sigs.k8s.io/kwok/cmd/kwok"},
        folders={"kwok-stages": ("sigs.k8s.io/kwok", "kustomize/stage")},
        accept_installed=False,
    ),
    Family(
        name="kubeconform",
        module="github.com/yannh/kubeconform",
        commands={"kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform"},
        version_variables=("main.version={version}",),
        version_flags=("-v",),
    ),
    Family(
        name="kubelet",
        folder="kubernetes",
        module=_KUBERNETES,
        commands={"kubelet": f"{_KUBERNETES}/cmd/kubelet"},
        version_variables=_KUBERNETES_VERSION,
    ),
    # Pinned apart: only the node without Cilium runs it, and it wants modules that the rest of Kubernetes does not.
    Family(
        name="kube-proxy",
        module=_KUBERNETES,
        commands={"kube-proxy": f"{_KUBERNETES}/cmd/kube-proxy"},
        version_variables=_KUBERNETES_VERSION,
    ),
    Family(
        name="containerd",
        module="github.com/containerd/containerd/v2",
        commands={
            name: f"github.com/containerd/containerd/v2/cmd/{name}"
            for name in ("containerd", "containerd-shim-runc-v2", "ctr")
        },
        version_variables=("github.com/containerd/containerd/v2/version.Version={version}",),
    ),
    Family(
        name="runc",
        module="github.com/opencontainers/runc",
        commands={"runc": "github.com/opencontainers/runc"},
        tags="seccomp",
        cgo=True,
    ),
    Family(
        name="cilium",
        module="github.com/cilium/cilium",
        commands={
            "cilium-agent": "github.com/cilium/cilium/daemon",
            "cilium-cni": "github.com/cilium/cilium/plugins/cilium-cni",
            "cilium-dbg": "github.com/cilium/cilium/cilium-dbg",
        },
        folders={
            "cilium-bpf": ("github.com/cilium/cilium", "bpf"),
            "cilium-crds": ("github.com/cilium/cilium", "pkg/k8s/apis/cilium.io/client/crds"),
            "clusternetworkpolicy-crds": ("sigs.k8s.io/network-policy-api", "config/crd/standard"),
        },
        tags="ipam_provider_operator",
        accept_installed=False,
    ),
    Family(
        name="cniplugins",
        module="github.com/containernetworking/plugins",
        commands={
            "bridge": "github.com/containernetworking/plugins/plugins/main/bridge",
            "host-local": "github.com/containernetworking/plugins/plugins/ipam/host-local",
        },
        accept_installed=False,  # `bridge` is also the name of a program of iproute2
    ),
    Family(
        name="coredns",
        module="github.com/coredns/coredns",
        commands={"coredns": "github.com/coredns/coredns"},
        accept_installed=False,  # it goes into an image, where a copy that is linked against this machine would not run
    ),
    # The same as the plugin's, apart from it: whoever only asks an API server need not compile the plugin.
    Family(
        name="cilium-policies",
        folder="cilium",
        module="github.com/cilium/cilium",
        folders={"cilium-policy-crds": ("github.com/cilium/cilium", "pkg/k8s/apis/cilium.io/client/crds/v2")},
        accept_installed=False,
    ),
    Family(
        name="clusternetworkpolicy",
        folder="cilium",
        module="sigs.k8s.io/network-policy-api",
        folders={"clusternetworkpolicy-api-crds": ("sigs.k8s.io/network-policy-api", "config/crd/standard")},
        accept_installed=False,
    ),
    Family(
        name="adminnetworkpolicy",
        module="sigs.k8s.io/network-policy-api",
        # Experimental, as OVN-Kubernetes installs it: only this channel has peers by network.
        folders={"adminnetworkpolicy-crds": ("sigs.k8s.io/network-policy-api", "config/crd/experimental")},
        accept_installed=False,
    ),
    Family(
        name="calico",
        module="github.com/projectcalico/calico",
        folders={"calico-crds": ("github.com/projectcalico/calico", "libcalico-go/config/crd")},
        accept_installed=False,
    ),
)

CONTROL_PLANE = ("kubernetes", "etcd", "helm", "kwok", "kubeconform")
NODE = ("kubelet", "containerd", "runc", "cilium", "coredns", "cniplugins", "kube-proxy")


def named(name: str) -> Family:
    """Return the family of that name."""
    for family in ALL:
        if family.name == name:
            return family
    raise KeyError(f"no tool family {name!r}; there are {', '.join(f.name for f in ALL)}")


def providing(command: str) -> Family:
    """Return the family that builds a command, or that carries a folder."""
    for family in ALL:
        if command in family.commands or command in family.folders:
            return family
    raise KeyError(f"no tool family provides {command!r}: add it to e2e/harness/families.py and e2e/tools")
