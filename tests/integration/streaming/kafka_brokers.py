"""librdkafka's own cluster in memory, which speaks the protocol to any client, as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import confluent_kafka

from feature_store.realtime.streams import GROUP, kafka_topic
from recomart.settings import Settings

CLUSTER = """
import sys
import confluent_kafka
cluster = confluent_kafka.Producer({"test.mock.num.brokers": 1, "log_level": 0})
(broker,) = cluster.list_topics(timeout=10).brokers.values()
print(f"{broker.host}:{broker.port}", flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Brokers:
    """A cluster of one broker."""

    servers: str
    pid: int

    def send(self, settings: Settings, lines: list[bytes]) -> None:
        topic = kafka_topic(settings.feast_project)
        producer = confluent_kafka.Producer({"bootstrap.servers": self.servers})
        for line in lines:
            producer.produce(topic, line)
        assert producer.flush(10) == 0

    def committed(self, settings: Settings) -> int:
        """Messages that the group need not get again."""
        reader = confluent_kafka.Consumer({"bootstrap.servers": self.servers, "group.id": GROUP})
        topic = kafka_topic(settings.feast_project)
        numbers = reader.list_topics(topic, timeout=10).topics[topic].partitions
        partitions = [confluent_kafka.TopicPartition(topic, number) for number in numbers]
        found = reader.committed(partitions, timeout=10)
        reader.close()
        return sum(max(partition.offset, 0) for partition in found)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """They take connections, and say nothing."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)


@contextmanager
def cluster() -> Iterator[Brokers]:
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield Brokers(process.stdout.readline().strip(), process.pid)
        process.communicate("")
