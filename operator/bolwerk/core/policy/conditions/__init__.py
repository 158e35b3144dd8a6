"""One function per condition of a SovereigntyPolicy."""
