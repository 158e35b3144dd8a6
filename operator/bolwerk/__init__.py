"""Bolwerk: AI models run locally, unless that is impossible or weighty reasons prevent it; enforced and proven."""

from importlib.metadata import version

__version__ = version("bolwerk")
