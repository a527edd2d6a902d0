"""Compare an Apifox export with openapi.yaml: what differs, where, and what a person must read."""
