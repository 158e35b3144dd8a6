"""A real Kubernetes on this machine, for the tests, the demo and the benchmark."""
