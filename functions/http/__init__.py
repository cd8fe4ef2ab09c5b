"""HTTP endpoints: one blueprint for each feature."""
