"""The reference backend: a circuit as plain Brian2 objects."""
