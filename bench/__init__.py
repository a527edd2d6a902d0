"""`make bench`: the client and its peers, measured in one run."""
