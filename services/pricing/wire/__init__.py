"""Messages to the domain's objects, and back. Pure."""
