"""What the operator would do, worked out without a cluster or without touching one: for `bolwerk render` and `plan`."""
