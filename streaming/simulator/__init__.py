"""The stream simulator: visitors of now or events of the past, told at a pace, with faults if asked.

    visits or past events -> drafts -> pace -> events with a time -> faults -> messages -> producer

It does not know where visits come from: whoever runs it hands them in (`orchestration/simulation.py`
takes the demo shop's). So the shop's tastes stay in `ingestion`, and rooms stay apart.
"""

from streaming.simulator.crowd import crowd
from streaming.simulator.draft import Draft
from streaming.simulator.fault_injector import FaultInjector, Shares, Truth
from streaming.simulator.kafka_producer import KafkaProducer
from streaming.simulator.pace import Pace
from streaming.simulator.producers import LineProducer, Producer, RedisProducer
from streaming.simulator.replay import replay
from streaming.simulator.simulation import Sent, simulate

__all__ = [
    "Draft",
    "FaultInjector",
    "KafkaProducer",
    "LineProducer",
    "Pace",
    "Producer",
    "RedisProducer",
    "Sent",
    "Shares",
    "Truth",
    "crowd",
    "replay",
    "simulate",
]
