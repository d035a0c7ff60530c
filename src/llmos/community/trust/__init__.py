"""How far members are trusted: levels that grow with deeds, credit, limits, and keeping apart."""
