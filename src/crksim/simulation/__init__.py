"""How it runs: the only floor that knows SimPy."""
