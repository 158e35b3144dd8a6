"""The API group `bolwerk.dev`: its kinds as pydantic models, and the CRDs generated from them.

The generated CRD is what users meet: it refuses nonsense at apply time. The models parse what is stored,
leniently, so that an object stored under an older CRD never stops the operator.
"""

GROUP = "bolwerk.dev"
VERSION = "v1alpha1"
