"""How one step goes: equations as ordered statements of one time step, and their print as torch code."""
