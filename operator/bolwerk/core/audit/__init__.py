"""The audit trail: what is worth an entry, how entries are chained, and whether a chain is whole.

Pure. The shell writes the lines and keeps the head of the chain; `bolwerk audit verify` reads them again.
"""
