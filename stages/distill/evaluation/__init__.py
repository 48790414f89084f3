"""How good, how sure, at what price: metrics, the cascade, paired comparison, size and speed of the student."""
