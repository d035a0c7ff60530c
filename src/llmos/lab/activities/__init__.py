"""What jobs can do, one module each, with a `run(spec, folder, reporter)`."""
