"""Being here, this file puts tests/ on the path: helpers such as integer_layers serve all test folders."""
