"""Hosts' calendars at other services: what is read there, what is written there, and how both stay in step."""
