"""Calendly-like booking for any existing Flask CRM."""
