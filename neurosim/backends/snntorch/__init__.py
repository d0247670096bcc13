"""The training backend: a circuit as a torch module whose spiking populations are snnTorch neurons."""
