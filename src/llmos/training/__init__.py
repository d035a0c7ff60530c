"""Training runs for people: choose data and a recipe, see what it will cost, start it."""
