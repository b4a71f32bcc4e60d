"""The desks of the console, one module each."""
