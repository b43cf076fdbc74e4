"""How long a test waits for what is to happen, where the time is not the question."""

PATIENCE = 240.0  # seconds: what takes one on an idle machine takes a minute on a busy one
