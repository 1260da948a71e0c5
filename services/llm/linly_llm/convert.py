"""Between the contract's messages and the service's own types."""

import secrets
from collections.abc import Mapping

from linly.llm.v1 import llm_pb2
from linly_llm.config import Settings
from linly_llm.engine import Delta, Finished, FinishReason, Message, Prompt, Role, Sampling
from linly_mesh.errors import invalid_argument
from linly_mesh.rpc.convert import stage_timing, to_duration

MAX_STOPS = 8

_ROLES: Mapping[llm_pb2.Role, Role] = {
    llm_pb2.ROLE_SYSTEM: Role.SYSTEM,
    llm_pb2.ROLE_USER: Role.USER,
    llm_pb2.ROLE_ASSISTANT: Role.ASSISTANT,
    llm_pb2.ROLE_TOOL: Role.TOOL,
}
_REASONS: Mapping[FinishReason, llm_pb2.FinishReason] = {
    FinishReason.STOP: llm_pb2.FINISH_REASON_STOP,
    FinishReason.LENGTH: llm_pb2.FINISH_REASON_LENGTH,
}


def to_prompt(request: llm_pb2.GenerateRequest, settings: Settings) -> Prompt:
    """Checks a request and completes it with the service's settings.

    Raises:
        ServiceError: INVALID_ARGUMENT, with the field that is wrong.
    """
    return Prompt(
        messages=_messages(request),
        sampling=_sampling(request.sampling, settings),
        stop=_stop(request),
        max_new_tokens=_max_new_tokens(request, settings),
    )


def to_response(part: Delta | Finished) -> llm_pb2.GenerateResponse:
    """One message of a reply."""
    if isinstance(part, Delta):
        delta = llm_pb2.Delta(text=part.text, elapsed=to_duration(part.elapsed))
        if part.timing is not None:
            delta.timing.CopyFrom(stage_timing(part.timing))
        return llm_pb2.GenerateResponse(delta=delta)
    usage = llm_pb2.Usage(
        prompt_tokens=part.prompt_tokens, completion_tokens=part.completion_tokens
    )
    finished = llm_pb2.Finished(
        finish_reason=_REASONS[part.reason], usage=usage, elapsed=to_duration(part.elapsed)
    )
    return llm_pb2.GenerateResponse(finished=finished)


def _messages(request: llm_pb2.GenerateRequest) -> tuple[Message, ...]:
    if not request.messages:
        raise invalid_argument("messages", "there must be at least one")
    for index, message in enumerate(request.messages):
        if message.role not in _ROLES:
            raise invalid_argument(f"messages[{index}].role", "must be a role of the contract")
    if request.messages[-1].role == llm_pb2.ROLE_ASSISTANT:
        raise invalid_argument("messages", "the last must not be from the assistant")
    return tuple(Message(_ROLES[m.role], m.content) for m in request.messages)


def _sampling(asked: llm_pb2.Sampling, settings: Settings) -> Sampling:
    temperature = asked.temperature if asked.HasField("temperature") else settings.temperature
    if not 0 <= temperature <= 2:  # also refuses NaN
        raise invalid_argument("sampling.temperature", "must be 0 to 2")
    top_p = asked.top_p if asked.HasField("top_p") else settings.top_p
    if not 0 < top_p <= 1:
        raise invalid_argument("sampling.top_p", "must be above 0 and at most 1")
    top_k = asked.top_k if asked.HasField("top_k") else settings.top_k
    if top_k < 1:
        raise invalid_argument("sampling.top_k", "must be at least 1")
    seed = asked.seed if asked.HasField("seed") else secrets.randbits(63)
    return Sampling(temperature, top_p, top_k, seed)


def _stop(request: llm_pb2.GenerateRequest) -> tuple[str, ...]:
    if len(request.stop) > MAX_STOPS:
        raise invalid_argument("stop", f"at most {MAX_STOPS}, got {len(request.stop)}")
    for index, stop in enumerate(request.stop):
        if not stop:
            raise invalid_argument(f"stop[{index}]", "must not be empty")
    return tuple(request.stop)


def _max_new_tokens(request: llm_pb2.GenerateRequest, settings: Settings) -> int:
    if not request.HasField("max_new_tokens"):
        return settings.default_max_new_tokens
    if not 1 <= request.max_new_tokens <= settings.max_new_tokens:
        raise invalid_argument("max_new_tokens", f"must be 1 to {settings.max_new_tokens}")
    return request.max_new_tokens
