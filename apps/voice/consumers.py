"""The websocket door of speech."""
