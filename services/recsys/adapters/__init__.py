"""What touches the outside: the SQLite view of the log, the model's files, the log's history."""
