"""Whatever classifies, opened by one door: its answers, its accuracy, a run's files compared."""
