"""What runs in pods of its own. Nothing here is imported by the operator's core or shell."""
