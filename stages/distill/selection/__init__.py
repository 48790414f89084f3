"""Which annotated rows are trained on, and which of them keep a rationale."""
