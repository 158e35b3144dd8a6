"""Flows that a network plugin has exported: what left through an exception, and what left without one."""
