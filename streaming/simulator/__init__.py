"""The stream simulator: events of simulated visitors or of the past, sent as they would happen.

    visits or past events -> scheduled events -> scheduler -> faults, if asked -> producer

It does not know where visits come from. The caller passes them in: `orchestration/simulation.py`
takes those of the demo shop, so that streaming need not import `demo_shop`.
"""

from streaming.simulator.fault_injector import FaultInjector, Shares, Truth
from streaming.simulator.interleaving import interleave
from streaming.simulator.kafka_producer import KafkaProducer
from streaming.simulator.producers import LineProducer, Producer, RedisProducer
from streaming.simulator.replay import replay
from streaming.simulator.scheduled_event import ScheduledEvent
from streaming.simulator.scheduler import Scheduler
from streaming.simulator.simulation import Sent, simulate

__all__ = [
    "FaultInjector",
    "KafkaProducer",
    "LineProducer",
    "Producer",
    "RedisProducer",
    "ScheduledEvent",
    "Scheduler",
    "Sent",
    "Shares",
    "Truth",
    "interleave",
    "replay",
    "simulate",
]
