"""The command line: commands, options, exit codes, tables for a terminal, the live display."""
