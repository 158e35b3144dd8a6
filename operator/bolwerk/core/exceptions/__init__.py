"""EgressException: when it is valid, who has approved it, and what it opens."""
