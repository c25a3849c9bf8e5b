"""What operators do from a shell: `python -m ops VERB`, a module per verb, and how the process logs."""

INTERRUPTED = 130
"""Exit status: what a shell gives for a command that Ctrl-C ended."""
