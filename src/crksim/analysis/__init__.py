"""What it means: measures of logs, runs over the ensemble, comparisons."""
