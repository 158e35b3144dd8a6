"""`make bench`: the operator measured beside a bare client that issues the same writes."""
