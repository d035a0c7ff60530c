"""Learning itself, as a library and a client of any hub; no server framework."""
