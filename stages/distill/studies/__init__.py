"""Arms, controls and seeds as DVC experiments, and their table; the frontier of accuracy and dollars."""
