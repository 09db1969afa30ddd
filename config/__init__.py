"""How the system is set up: settings, queues, Celery options, logging, the embedded Redis. Imports producers only."""
