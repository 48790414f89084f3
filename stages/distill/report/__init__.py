"""The page of a run, metrics/report.html: sentences, tables, figures, limits, and every test row."""
