"""Commands for operators and pipelines: migrations, database roles, deployment steps. Never deployed."""
