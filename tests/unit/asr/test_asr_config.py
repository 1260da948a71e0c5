import pytest
from pydantic import ValidationError

from linly_asr.config import Settings


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASR_DECODERS", "7")
    assert Settings().decoders == 7


@pytest.mark.parametrize(
    "wrong",
    [{"early_silence": 0.5, "end_silence": 0.4}, {"decoders": 0}, {"speech_threshold": 1.5}],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)
