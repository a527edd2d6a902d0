"""Hold an Apifox export against openapi.yaml: what differs, where, and what a person must read."""
