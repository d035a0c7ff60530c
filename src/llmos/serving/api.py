"""Models for machines: the OpenAI shape, the task calls of hub clients, and what is loaded.

A signed-in browser session may ask too, from our own pages. Streams pass through as the engine
makes them; whoever goes away stops the work done for her.
"""

from contextlib import AsyncExitStack
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmos.accounts.access import Viewer, viewer_of
from llmos.kit.errors import Forbidden, NotFound, Refusal, Unauthenticated
from llmos.serving import calls
from llmos.serving.asking import Model
from llmos.serving.calls import EMBEDDING, Call, task_of
from llmos.serving.errors import BadField, TaskUnknown
from llmos.serving.limits import within_limits
from llmos.serving.pool import pool
from llmos.serving.queries import Servable, model_named, remotes, served_models
from llmos.serving.relay import Relayed, told, unless_gone
from llmos.store.http import endpoint, endpoint_refusing, json_of, read_body, reply
from llmos.store.threads import in_thread


def _refused(refusal: Refusal) -> Response:
    """A refusal as OpenAI's clients read it; hub clients read the header."""
    # The original knows no 422: what an engine cannot do is a request that cannot be met.
    status = 400 if refusal.status == 422 else refusal.status
    headers = {"X-Error-Code": refusal.code, **refusal.headers}
    return reply({"error": told(refusal)}, status=status, headers=headers)


openai_endpoint = endpoint_refusing(_refused)


@openai_endpoint
async def chat(request: Request) -> Response:
    """The next turn of a conversation, in OpenAI's shape; streamed if asked."""
    return await _called(request, calls.chat)


@openai_endpoint
async def complete(request: Request) -> Response:
    """How a text goes on, in OpenAI's shape; streamed if asked."""
    return await _called(request, calls.complete)


@openai_endpoint
async def embed(request: Request) -> Response:
    """Texts as vectors, in OpenAI's shape."""
    return await _called(request, calls.embed)


@openai_endpoint
async def list_models(request: Request) -> Response:
    """Models for tasks that engines here know and the viewer may see, newest first."""
    return reply({"object": "list", "data": await in_thread(_listed, request)})


@openai_endpoint
async def one_model(request: Request) -> Response:
    """One model, `namespace/name` or `namespace/name@revision`; or why no engine runs it."""
    name = request.path_params["model"]
    model = await in_thread(lambda: model_named(viewer_of(request), name))
    return reply(_entry(name, model.name.partition("/")[0], 0, task_of(model)))


@endpoint
async def by_task(request: Request) -> Response:
    """The model's own task done to `inputs`, as hub clients ask for it."""
    return await _called(request, calls.by_task)


@endpoint
async def info(request: Request) -> Response:
    """Which model an address serves, as hub clients ask an endpoint."""
    model = await in_thread(lambda: model_named(viewer_of(request), _name_in(request)))
    sha = model.sha if isinstance(model, Servable) else None
    return reply({"model_id": model.name, "model_sha": sha, "model_task": task_of(model)})


@endpoint
async def loaded(request: Request) -> Response:
    """What is in memory, at work and waiting; for administrators."""
    await in_thread(_require_administrator, request)
    return reply(pool().described())


@endpoint
async def unload(request: Request) -> Response:
    """End an engine, whatever it is doing; for administrators."""
    await in_thread(_require_administrator, request)
    key = request.path_params["key"]
    if not await pool().unload(key):
        raise NotFound(f"No engine {key} is loaded")
    return reply({"unloaded": key})


async def _called(request: Request, call: Call) -> Response:
    asked = json_of(await read_body(request))
    name = _name_in(request) or asked.get("model")
    if not isinstance(name, str) or not name:
        raise BadField("model", "Say which model: namespace/name, or namespace/name@revision")
    viewer, model = await in_thread(_opened, request, name)
    async with AsyncExitStack() as opened:
        opened.enter_context(within_limits(_who(viewer, request)))
        response = await unless_gone(request, call(model, asked, opened))
        if isinstance(response, Relayed):
            response.opened = opened.pop_all()
    return response


def _opened(request: Request, name: str) -> tuple[Viewer, Model]:
    viewer = viewer_of(request)
    model = model_named(viewer, name)
    wanted = request.path_params.get("task", "")
    fits = wanted in {"", task_of(model)} or {wanted, task_of(model)} <= EMBEDDING
    if not fits:
        raise TaskUnknown(f"{name} is a model for {task_of(model)}, not for {wanted}")
    return viewer, model


def _name_in(request: Request) -> str:
    """The model that the address names, or nothing."""
    found = request.path_params
    return f"{found['ns']}/{found['name']}" if "ns" in found else ""


def _who(viewer: Viewer, request: Request) -> str:
    if viewer.user_id is not None:
        return f"member {viewer.user_id}"
    return f"address {request.client.host if request.client else ''}"


def _listed(request: Request) -> list[dict[str, Any]]:
    here = [
        _entry(
            one.full_name,
            one.namespace.name,
            int(one.updated_at.timestamp()),
            one.pipeline_tag or "text-generation",
        )
        for one in served_models(viewer_of(request))
    ]
    return [*(_entry(one.name, "remote", 0, task_of(one)) for one in remotes()), *here]


def _entry(name: str, owner: str, created: int, task: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": owner, "task": task}


def _require_administrator(request: Request) -> None:
    viewer = viewer_of(request)
    if viewer.is_anonymous:
        raise Unauthenticated("Sign in as an administrator")
    if not viewer.is_admin:
        raise Forbidden("Only administrators see and end engines")


_MODEL = "/models/{ns:seg}/{name:seg}"
routes = [
    Route("/v1/chat/completions", chat, methods=["POST"]),
    Route("/v1/completions", complete, methods=["POST"]),
    Route("/v1/embeddings", embed, methods=["POST"]),
    Route("/v1/models", list_models, methods=["GET"]),
    Route("/v1/models/{model:tail}", one_model, methods=["GET"]),
    Route(_MODEL, by_task, methods=["POST"]),
    Route(f"{_MODEL}/pipeline/{{task:seg}}", by_task, methods=["POST"]),
    Route(f"{_MODEL}/v1/chat/completions", chat, methods=["POST"]),
    Route(f"{_MODEL}/v1/completions", complete, methods=["POST"]),
    Route(f"{_MODEL}/v1/embeddings", embed, methods=["POST"]),
    Route(f"{_MODEL}/info", info, methods=["GET"]),
    Route(f"{_MODEL}/health", info, methods=["GET"]),
    Route("/api/serving", loaded, methods=["GET"]),
    Route("/api/serving/{key:seg}", unload, methods=["DELETE"]),
]
