"""The shop's one door: takes its catalogue and its shoppers' events, and composes the pages it shows."""
