"""What Azure calls: HTTP routes, blob triggers and timers. Each parses, makes one call, and renders."""
