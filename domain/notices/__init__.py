"""Notices: what people are told outside of Handrail, and through which channel."""
