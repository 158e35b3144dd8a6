"""Enforcement that is measured: what probes are told, what they saw, and what that shows."""
