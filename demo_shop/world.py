"""All of a demo shop that is drawn once: the history and the stream of clicks share it."""

from __future__ import annotations

from dataclasses import dataclass

from demo_shop.catalogue import Catalogue, make_catalogue
from demo_shop.people import People, make_people
from demo_shop.plan import Plan
from demo_shop.tastes import Tastes, make_tastes


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
