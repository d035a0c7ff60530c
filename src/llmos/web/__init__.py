"""The composition root: front door, URLs, settings, templates, and who listens to whom."""
