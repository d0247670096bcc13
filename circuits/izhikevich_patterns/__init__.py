"""The twenty firing patterns that Izhikevich published in 2004."""
