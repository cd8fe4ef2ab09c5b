"""Analytics: counts, savings and stars of plants and of the company (rules 3, 4, 7)."""
