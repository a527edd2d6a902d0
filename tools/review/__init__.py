"""Review a change of the spec: what it does, to whom, with proof, and what is left to do."""
