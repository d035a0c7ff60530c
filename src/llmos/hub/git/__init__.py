"""Git as the hub keeps it: bare repositories, trees, commits, references, transfer rules.

Reads and small commits go through libgit2; large commits, transfer and packing through git
itself, in processes of their own. Nothing here asks who may do what.
"""
