"""The balanced network of Vogels and Abbott: 4,000 current-based integrate-and-fire neurons."""
