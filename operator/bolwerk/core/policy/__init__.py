"""SovereigntyPolicy: the snapshot, the conditions, and the reconciliation that joins them."""
