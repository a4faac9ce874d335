"""The real Triton as every service uses it: what starts it, its model repository, and how it is asked."""
