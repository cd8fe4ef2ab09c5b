"""Runs the portal without Azure, for development and tests. Never deployed."""
