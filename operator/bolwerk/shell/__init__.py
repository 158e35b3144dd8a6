"""The effects: everything that touches the API server, the clock, sockets, signals or kopf.

The shell observes, asks the core to decide and executes the plan; it decides nothing about models itself.
"""
