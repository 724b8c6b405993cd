"""The command line: the only user of typer. Commands parse, call the workflow and print a report.

Importing this package imports no servers' libraries: each command loads its workflow when it runs, so `--help` is fast.
"""
