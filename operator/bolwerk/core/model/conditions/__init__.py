"""One function per condition, each from a view of the world to a sentence."""
