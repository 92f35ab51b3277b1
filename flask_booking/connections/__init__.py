"""Accounts at other services: how they are reached, what they may answer, and what is kept of them."""
