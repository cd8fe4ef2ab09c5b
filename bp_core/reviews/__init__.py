"""Reviews: decisions about practices, their history, and the inbox of headquarters."""
