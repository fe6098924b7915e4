"""How much of the time that has passed was a process's own; as kernel/own-time.ts counts it, for a process and all it starts."""
import os
import time
from pathlib import Path


class OwnTime:
    """Counts the seconds that a process and its descendants have had: not those in which they waited for a processor.

    So a student loses no points because the machine had other work. A process that sleeps or computes without an end has all
    the time there is. Where the system does not count the waiting, as only Linux does, it is the time by the clock.
    """

    def __init__(self, pid, cores=0):
        """@param cores: processors that they may use; 0: all"""
        self.pid = pid
        self.cores = cores or os.cpu_count() or 1
        self.since = time.monotonic()
        self.before = threads_of(pid)

    def seconds(self):
        passed = time.monotonic() - self.since
        busy = waited = 0.0
        for thread, (now_busy, now_waited) in threads_of(self.pid).items():
            was_busy, was_waited = self.before.get(thread, (0.0, 0.0))
            busy += now_busy - was_busy
            waited = max(waited, now_waited - was_waited)
        # What waits because of its own other threads and programs has had the processors all the same.
        return min(passed, max(passed - waited, busy / self.cores))

    def waited(self):
        """Seconds since it was made that were not its own."""
        return time.monotonic() - self.since - self.seconds()


def threads_of(pid):
    """@returns for each thread of a process and its descendants the seconds on a processor, and waiting for one"""
    found = {}
    waiting = [pid] if pid else []
    while waiting:
        folder = Path("/proc", str(waiting.pop()), "task")
        try:
            threads = os.listdir(folder)
        except OSError:
            continue  # it has ended, or this is not Linux
        for thread in threads:
            try:
                busy, waited = (folder / thread / "schedstat").read_text().split()[:2]
                found[thread] = (int(busy) / 1e9, int(waited) / 1e9)
                waiting.extend((folder / thread / "children").read_text().split())
            except (OSError, ValueError):
                continue
    return found
