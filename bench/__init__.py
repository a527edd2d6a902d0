"""`make bench`: the client beside its peers, measured in one run."""
