"""Models in the formats of other engines, each made once and kept in a cache."""
