"""crksim: a flight simulator for treatment flows, built for Center for Rusmiddelbehandling København."""

__version__ = "0.1.0"

__all__ = ["__version__"]
