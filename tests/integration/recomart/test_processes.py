import os
import signal
import subprocess
import sys
import time

import psutil

from recomart import processes
from recomart.settings import Settings


def test_a_foreign_process_with_the_recorded_pid_is_left_alone(settings: Settings) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        record = settings.run_files / "redis.json"
        record.parent.mkdir(parents=True)
        record.write_text(
            f'{{"name": "redis", "pid": {stranger.pid}, "created": 1.0, "port": 6380}}'
        )
        assert processes.stop_all(settings) == []
        assert stranger.poll() is None
        stranger.kill()


def test_a_server_whose_starter_was_killed_before_it_was_recorded_does_not_run(
    settings: Settings,
) -> None:
    code = (
        "import os, signal\n"
        "from recomart import processes, settings as s\n"
        "processes.replace_text = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "processes.spawn(s.load_settings(), 'lost', ['/bin/sleep', '600.25'], 0)\n"
    )
    starter = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **settings.environment()}
    )

    assert starter.returncode == -signal.SIGKILL
    end = time.monotonic() + 10
    while any(
        "600.25" in " ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"])
    ):
        assert time.monotonic() < end
        time.sleep(0.05)
