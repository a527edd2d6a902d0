"""The library that generated clients import: calls, waits, downloads, batches, the command line."""
