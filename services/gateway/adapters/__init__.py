"""The outside things: the other services, the log, and the gateway's own view of it."""
