"""How fast gatepass is beside its peers, measured in one run: `make bench`."""
