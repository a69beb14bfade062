"""Who may ask for a response and who decides it: the file's form, how it is read, and what it rules for a case."""
