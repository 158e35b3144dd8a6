"""The decisions: pure functions from a snapshot of the world to a plan.

Nothing in here reads a clock, a file, the network or an environment variable; import-linter holds it to that.
"""
