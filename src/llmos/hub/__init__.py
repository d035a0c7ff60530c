"""Repositories, commits and files: what unmodified hub clients, git and people push and pull."""
