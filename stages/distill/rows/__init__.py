"""The rows that flow between stages, as dataclasses and JSON lines; whole files; the one seeded order."""
