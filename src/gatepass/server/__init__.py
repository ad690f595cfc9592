"""`gatepass serve`: a ready auth server, wired from the library's parts."""
