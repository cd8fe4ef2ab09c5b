"""Code that every feature uses: errors, base models, paging, money, calendar, access."""
