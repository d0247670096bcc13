"""The network of 1,000 randomly coupled simple neurons that Izhikevich published in 2003."""
