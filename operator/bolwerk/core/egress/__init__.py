"""The wall: one intent, and one pure renderer of it for each way in which a cluster can enforce it."""
