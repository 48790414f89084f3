"""A Batch API for tests: files, batches, and results that appear when the test says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web
from fake_endpoint import FakeEndpoint, Said, completion


class FakeBatchEndpoint(FakeEndpoint):
    """Also speaks /files and /batches. A batch ends at the poll after `polls`; "failing" rows get an error line."""

    def __init__(
        self, polls: int = 1, answer: Callable[[dict[str, Any], int], Said] = lambda body, times: completion()
    ):
        super().__init__(answer)
        self.polls = polls
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.looks: dict[str, int] = {}
        self.batched = 0
        self.lose_answer_to_create = False
        self.cut_answers_to_create = self.refusals_to_create = 0

    def routes(self, app: web.Application) -> None:
        super().routes(app)
        app.router.add_post("/v1/files", self._upload)
        app.router.add_get("/v1/files/{id}/content", self._content)
        app.router.add_post("/v1/batches", self._create)
        app.router.add_get("/v1/batches", self._list)
        app.router.add_get("/v1/batches/{id}", self._retrieve)
        app.router.add_post("/v1/batches/{id}/cancel", self._cancel)

    def _file(self, content: bytes) -> str:
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return name

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert form["purpose"] == "batch"
        name = self._file(form["file"].file.read())
        return web.json_response(
            {
                "id": name,
                "object": "file",
                "bytes": 1,
                "created_at": 1,
                "filename": "f",
                "purpose": "batch",
                "status": "processed",
            }
        )

    async def _content(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["id"]])

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if self.refusals_to_create:
            self.refusals_to_create -= 1
            return web.json_response({"error": {"message": "overloaded"}}, status=503)
        assert (asked["endpoint"], asked["completion_window"]) == ("/v1/chat/completions", "24h")
        lines = [json.loads(line) for line in self.files[asked["input_file_id"]].splitlines()]
        self.batched += len(lines)
        name = f"batch-{len(self.batches)}"
        self.batches[name] = {
            "id": name, "object": "batch", "endpoint": asked["endpoint"], "input_file_id": asked["input_file_id"],
            "status": "in_progress",
            "completion_window": "24h", "created_at": 1, "metadata": asked.get("metadata"), "output_file_id": None,
            "error_file_id": None, "errors": None, "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
        }  # fmt: skip
        if self.lose_answer_to_create:
            self.lose_answer_to_create = False
            return web.json_response({"error": {"message": "bad luck"}}, status=418)
        if self.cut_answers_to_create:
            self.cut_answers_to_create -= 1
            request.transport.close()
        return web.json_response(self.batches[name])

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": list(self.batches.values()), "has_more": False})

    async def _retrieve(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        self.looks[name] = self.looks.get(name, 0) + 1
        if self.looks[name] > self.polls and self.batches[name]["status"] == "in_progress":
            self.finish(name)
        return web.json_response(self.batches[name])

    async def _cancel(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        self.finish(name, "cancelled", only=1)
        return web.json_response(self.batches[name])

    def finish(self, name: str, status: str = "completed", only: int | None = None) -> None:
        """Answers the rows of a batch (or `only` the first of them), in reverse order."""
        batch, output, errors = self.batches[name], [], []
        lines = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()][:only]
        for line in reversed(lines):
            said = self.answer(line["body"], 1)
            response = {"status_code": said.status, "request_id": "r", "body": json.loads(said.body)}
            result = {"id": "x", "custom_id": line["custom_id"], "response": response, "error": None}
            (output if said.status == 200 else errors).append(json.dumps(result))
        batch["status"] = status
        batch["request_counts"] |= {"completed": len(output), "failed": len(errors)}
        batch["output_file_id"] = self._file("\n".join(output).encode()) if output else None
        batch["error_file_id"] = self._file("\n".join(errors).encode()) if errors else None
