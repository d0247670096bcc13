"""neurosim beside its peers: the same work, in turn, with outputs that are held against each other."""
