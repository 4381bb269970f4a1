"""The web server around the application: addresses, connections, what holds for every request."""
