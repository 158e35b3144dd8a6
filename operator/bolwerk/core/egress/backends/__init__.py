"""One module per backend; each says in its own words what it cannot express."""
