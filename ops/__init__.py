"""What operators do from a shell: `python -m ops VERB`, a module per verb, and how the process logs."""
