// Pins the CRDs of AdminNetworkPolicy v1alpha1: data only, so that `go mod tidy` would empty it.
module bolwerk.dev/tools/adminnetworkpolicy

go 1.26.0

require sigs.k8s.io/network-policy-api v0.1.5
