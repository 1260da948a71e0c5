"""The errors that a caller is meant to see."""

import grpc


class ServiceError(Exception):
    """An error with a gRPC status, a machine-readable reason and, for bad input, a field."""

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        *,
        field: str | None = None,
        retry_after: float | None = None,
        stage: str | None = None,
    ) -> None:
        """Describes one failure.

        Args:
            code: the status that the caller gets.
            reason: UPPER_SNAKE_CASE, stable, for programs.
            message: one line, for people; never holds a transcript, prompt or secret.
            field: path of the request field that is wrong.
            retry_after: seconds after which a retry may succeed.
            stage: the stage that failed, if it is not the answering server itself.
        """
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.field = field
        self.retry_after = retry_after
        self.stage = stage


class ConfigurationError(Exception):
    """A process can't start as it is configured; the message says what to change."""


def invalid_argument(
    field: str, description: str, *, reason: str = "INVALID_ARGUMENT"
) -> ServiceError:
    """Bad input in one field of a request."""
    return ServiceError(
        grpc.StatusCode.INVALID_ARGUMENT, reason, f"{field}: {description}", field=field
    )
