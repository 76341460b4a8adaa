"""OpenAI's chat completions: what comes in as values, what goes out as bytes, and the way between."""
