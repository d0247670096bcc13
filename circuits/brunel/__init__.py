"""The sparsely connected network of Brunel (2000), in any of its four regimes."""
