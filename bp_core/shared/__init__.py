"""What every feature stands on: errors, paging, money, the calendar, the caller."""
