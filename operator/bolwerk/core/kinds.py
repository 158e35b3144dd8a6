"""The resource kinds that Bolwerk reads or writes, and how the API server addresses them.

Used by the builders (to name what they build), the shell's client (to form URLs) and its watchers.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Kind", "Ref"]


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """One kind of resource, as the API server serves it."""

    group: str
    version: str
    name: str
    plural: str

    def __hash__(self) -> int:
        # Looked up a dozen times for every watch event. Two of one plural are told apart when they are compared.
        return hash(self.plural)

    @property
    def api_version(self) -> str:
        """The value of `apiVersion` in a manifest."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        """The URL path under which the group's resources stand."""
        return f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """One object, by kind, namespace (empty where the kind has none) and name."""

    kind: Kind
    namespace: str
    name: str

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name: what tells objects of one kind apart."""
        return self.namespace, self.name

    def __str__(self) -> str:
        return f"{self.kind.name} {self.namespace}/{self.name}" if self.namespace else f"{self.kind.name} {self.name}"


LOCAL_MODEL = Kind("bolwerk.dev", "v1alpha1", "LocalModel", "localmodels")
SOVEREIGNTY_POLICY = Kind("bolwerk.dev", "v1alpha1", "SovereigntyPolicy", "sovereigntypolicies")
EGRESS_EXCEPTION = Kind("bolwerk.dev", "v1alpha1", "EgressException", "egressexceptions")
EGRESS_APPROVAL = Kind("bolwerk.dev", "v1alpha1", "EgressApproval", "egressapprovals")
ISOLATION_PROOF = Kind("bolwerk.dev", "v1alpha1", "IsolationProof", "isolationproofs")

SERVICE_ACCOUNT = Kind("", "v1", "ServiceAccount", "serviceaccounts")
SERVICE = Kind("", "v1", "Service", "services")
DEPLOYMENT = Kind("apps", "v1", "Deployment", "deployments")
DAEMON_SET = Kind("apps", "v1", "DaemonSet", "daemonsets")
NETWORK_POLICY = Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies")
POD_DISRUPTION_BUDGET = Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")

POD = Kind("", "v1", "Pod", "pods")
PERSISTENT_VOLUME_CLAIM = Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
EVENT = Kind("events.k8s.io", "v1", "Event", "events")
LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases")

NAMESPACE = Kind("", "v1", "Namespace", "namespaces")
NODE = Kind("", "v1", "Node", "nodes")
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps")
SECRET = Kind("", "v1", "Secret", "secrets")
VALIDATING_ADMISSION_POLICY = Kind(
    "admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies"
)
VALIDATING_ADMISSION_POLICY_BINDING = Kind(
    "admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"
)
MUTATING_ADMISSION_POLICY = Kind(
    "admissionregistration.k8s.io", "v1", "MutatingAdmissionPolicy", "mutatingadmissionpolicies"
)
MUTATING_ADMISSION_POLICY_BINDING = Kind(
    "admissionregistration.k8s.io", "v1", "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings"
)

# What network plugins, or the add-ons of network plugins, serve beside Kubernetes' own NetworkPolicy.
CLUSTER_NETWORK_POLICY = Kind("policy.networking.k8s.io", "v1alpha2", "ClusterNetworkPolicy", "clusternetworkpolicies")
ADMIN_NETWORK_POLICY = Kind("policy.networking.k8s.io", "v1alpha1", "AdminNetworkPolicy", "adminnetworkpolicies")
CILIUM_CLUSTERWIDE_NETWORK_POLICY = Kind(
    "cilium.io", "v2", "CiliumClusterwideNetworkPolicy", "ciliumclusterwidenetworkpolicies"
)
CILIUM_NETWORK_POLICY = Kind("cilium.io", "v2", "CiliumNetworkPolicy", "ciliumnetworkpolicies")
GLOBAL_NETWORK_POLICY = Kind("projectcalico.org", "v3", "GlobalNetworkPolicy", "globalnetworkpolicies")
STAGED_GLOBAL_NETWORK_POLICY = Kind(
    "projectcalico.org", "v3", "StagedGlobalNetworkPolicy", "stagedglobalnetworkpolicies"
)
CALICO_TIER = Kind("projectcalico.org", "v3", "Tier", "tiers")
