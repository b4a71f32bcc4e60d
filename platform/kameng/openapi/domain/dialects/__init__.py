"""Other systems' protocols, spoken as a server: what is signed, read and shown. Pure."""
