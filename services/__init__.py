"""What Handrail does for whoever asks, one file a use case: between the doors (routes, pages, activities, commands) and
the rows and rules. Nothing here knows of HTTP, of templates, or of Temporal beyond `services.workflows`."""
