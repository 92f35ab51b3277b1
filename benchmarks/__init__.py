"""Measurements, each next to the bare thing it is compared with, in the same run on the same machine."""
