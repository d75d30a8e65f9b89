"""hearing: how enhanced speech sounds: measures and listening tests."""
