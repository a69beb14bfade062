"""The version of the project; a test compares it with pyproject.toml. A leaf."""

VERSION = "0.1.0"
