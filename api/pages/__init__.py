"""The web UI: pages made on the server with what the JSON routes use. A new page is one file here and a template."""
