"""Ready-made circuits, one module or folder each."""
