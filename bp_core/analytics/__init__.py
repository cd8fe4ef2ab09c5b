"""What the practices come to: counts, savings and stars, as people read them (rules 3, 4, 7)."""
