"""SovereigntyPolicy: the snapshot, one function per condition, and the reconciliation that joins them."""
