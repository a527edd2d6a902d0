"""Builds the client package from the spec: `python -m tools.generator`."""
