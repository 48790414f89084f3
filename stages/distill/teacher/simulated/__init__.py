"""A teacher that needs no network: an HTTP server on loopback that speaks the OpenAI chat completions API.

It stands in for an LLM on a task whose knowledge stands in a small file, and says in every answer that it
is simulated. `with serve(path) as server:` runs it; `server.base_url` is what a client is given.
"""

from distill.teacher.simulated.faults import ServerFault
from distill.teacher.simulated.server import Server, serve

__all__ = ["Server", "ServerFault", "serve"]
