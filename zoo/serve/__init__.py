"""A web page and an HTTP interface around the models: `zoo serve`, with the extra `serve`."""
