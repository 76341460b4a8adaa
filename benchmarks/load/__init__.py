"""Simulated people: how Nitro answers while so many of them read, think, ask, stop, reload and open second tabs."""
