"""The network with axonal delays in which Izhikevich (2006) found polychronous groups."""
