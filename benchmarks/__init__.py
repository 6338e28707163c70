"""Benchmarks of allomatch beside what a user would write instead: README.md says how to run and how to read them."""
