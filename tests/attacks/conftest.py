"""Attacks from outside use the running house of the journeys."""

from tests.journeys.conftest import abroad, fresh_house, home, house

__all__ = ["abroad", "fresh_house", "home", "house"]
