"""The built-in painter: no model, only words, a seed, noise and brushes. Knows neither Django nor the rest of Nitro."""
