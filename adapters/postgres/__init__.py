"""PostgreSQL: the pool, and one module of SQL per feature."""
