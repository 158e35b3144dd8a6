"""LocalModel: one builder per child, one function per condition, and the reconciliation that joins them."""
