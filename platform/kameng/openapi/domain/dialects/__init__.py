"""How other systems' protocols sign, read and write, each in a module of its own. Pure."""
