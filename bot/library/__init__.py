"""The scripts that ship with the project, and their way into each tenant's live response library."""
