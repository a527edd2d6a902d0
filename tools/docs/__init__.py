"""The documentation: a site in two languages, and what it shows of the command."""
