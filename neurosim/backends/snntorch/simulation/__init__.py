"""Event-driven simulation without gradients, compiled: the same bits as the stepped path."""
