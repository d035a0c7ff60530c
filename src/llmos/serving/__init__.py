"""Models in use: engines on demand, the OpenAI-shaped API, playgrounds and chat."""
