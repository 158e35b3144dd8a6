// Pins Calico's CRDs: data only, so that `go mod tidy` would empty it. The newest version that is served as a module.
module bolwerk.dev/tools/calico

go 1.26.0

require github.com/projectcalico/calico v1.11.0-cni-plugin.0.20250813170300-a0db560f0520
