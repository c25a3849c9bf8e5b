"""The services over HTTP, for notebooks, scripts and the uploader in the browser."""
