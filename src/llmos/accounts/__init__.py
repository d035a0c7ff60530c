"""People, organisations, tokens, sign-in, and who may do what."""
