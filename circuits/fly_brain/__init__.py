"""The leaky integrate-and-fire model of a whole fly brain (Shiu et al. 2024)."""
