"""The pages of speech."""
