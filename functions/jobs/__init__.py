"""Jobs: their declarations, their timers, and running them."""
