"""All of a demo shop that is drawn once: the history and the stream of clicks share it."""

from __future__ import annotations

from dataclasses import dataclass

from ingestion.demo.catalogue import Catalogue, make_catalogue
from ingestion.demo.people import People, make_people
from ingestion.demo.plan import Plan
from ingestion.demo.tastes import Tastes, make_tastes


@dataclass(frozen=True)
class World:
    """Users, products and hidden tastes of a plan."""

    plan: Plan
    people: People
    catalogue: Catalogue
    tastes: Tastes


def make_world(plan: Plan) -> World:
    """Draw the world of a plan; equal plans have equal worlds."""
    people, catalogue = make_people(plan), make_catalogue(plan)
    return World(plan, people, catalogue, make_tastes(plan, people, catalogue))
