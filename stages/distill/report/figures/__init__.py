"""The report's figures, one a file: a function from the run's facts to a drawing with its numbers, or None."""
