"""What every worker of prony shares: JSON lines on standard input and output, binary frames, errors.

    class Engine:
        def open(self, m): ...      # -> dict of facts
        def generate(self, m): ...  # yields lists of one [id, logprob, tops] or None a sequence; returns the closing line
        def score(self, m): ...     # yields (logprobs, bytes or None)
        def memory(self): ...       # -> dict

    serve(Engine(), {"transformers": "5.23.0"})

Standard output belongs to the protocol: whatever else prints there lands in the log with standard error.
"""
import json
import os
import sys
import traceback

VERSION = 1


class Refusal(Exception):
    """Something that was asked and cannot be done: kind is unsupported, usage, input, memory or missing."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


class Channel:
    def __init__(self):
        self.out = os.fdopen(os.dup(1), "wb", buffering=1 << 20)
        os.dup2(2, 1)
        sys.stdout = sys.stderr

    def send(self, message, frame=None):
        self.out.write(json.dumps(message, allow_nan=False, separators=(",", ":")).encode() + b"\n")
        if frame is not None:
            self.out.write(frame)
        self.out.flush()


def answer(engine, channel, m):
    op = m.get("op")
    if op == "open":
        channel.send(engine.open(m))
    elif op == "generate":
        steps = engine.generate(m)
        while True:
            try:
                channel.send({"steps": next(steps)})
            except StopIteration as end:
                channel.send(end.value)
                return
    elif op == "score":
        for logprobs, frame in engine.score(m):
            channel.send({"logprobs": logprobs}, frame)
    elif op == "memory":
        channel.send(engine.memory())
    else:
        raise Refusal("usage", f"unknown request '{op}'")


def serve(engine, versions):
    channel = Channel()
    channel.send({"worker": "prony", "version": VERSION, "versions": versions, "python": sys.version.split()[0]})
    for line in sys.stdin.buffer:
        try:
            answer(engine, channel, json.loads(line))
        except Refusal as e:
            channel.send({"error": str(e), "kind": e.kind})
        except MemoryError:
            channel.send({"error": "out of memory", "kind": "memory"})
        except Exception as e:  # whatever a library raises is the caller's to know
            traceback.print_exc()
            memory = type(e).__name__ == "OutOfMemoryError"
            channel.send({"error": f"{type(e).__name__}: {e}"[:2000], "kind": "memory" if memory else "engine"})


def version_line(versions):
    return ", ".join(f"{name} {version}" for name, version in versions.items())
