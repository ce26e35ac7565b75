"""Capture programs: which one, with what arguments, and how it is looked after."""
