"""The plugin host: finds plugins, keeps their settings, calls their objects one at a time."""
