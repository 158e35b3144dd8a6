"""Network plugins of the real node, one module each; `harness.node` starts the one that it is given."""
