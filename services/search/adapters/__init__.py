"""One file for each outside thing that search stands on."""
