"""One file per paper: its tables, and nothing else."""
