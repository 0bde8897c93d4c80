"""How often the functions are right on labelled rows."""
