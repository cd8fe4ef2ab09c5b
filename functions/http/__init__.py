"""The HTTP routes: one blueprint for each feature."""
