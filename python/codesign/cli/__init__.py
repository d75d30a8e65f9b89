"""The command line. Everything it prints, the library computed."""
