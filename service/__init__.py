"""The service: the wire, the pipeline, the scheduler, the command line."""
