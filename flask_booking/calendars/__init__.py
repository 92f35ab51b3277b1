"""Calendars of hosts at other services: how they are read, and how bookings become events there."""
