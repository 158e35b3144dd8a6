"""Leaks by reference: endpoints of external AI in the ConfigMaps and Secrets that governed pods refer to.

Admission sees a pod and not what it refers to. The scan in the shell reads that and asks this package about it. Values
go in, names come out: nothing that is returned here has room for a value.
"""
