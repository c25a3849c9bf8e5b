"""Measures Datashelf's budgets beside their peers, in one run on one machine: `python -m bench`, or `make bench`."""
