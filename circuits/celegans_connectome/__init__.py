"""The nervous system of *C. elegans*: real wiring, graded neurons, a stimulus to named neurons."""
