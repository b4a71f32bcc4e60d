"""HTTP: the application, hosts, audiences, sessions, assets."""
