"""The welcome in the browser."""
