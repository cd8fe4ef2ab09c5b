"""PostgreSQL: the connection pool, and one module of SQL for each feature."""
