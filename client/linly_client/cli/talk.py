"""``talker talk`` and ``talker say``: one talk, shown and recorded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from linly_client.cli.console import CommandError
from linly_client.cli.conversation import converse, say, speak
from linly_client.cli.reach import talk_service
from linly_client.cli.run import run
from linly_client.options import Microphone, Playback, TalkOptions, Video
from linly_client.wav import Wav, read_wav
from linly_mesh.rpc.target import Target

Address = Annotated[
    str | None,
    typer.Option("--target", help="Where the talk service is: host:port, or unix:/path."),
]
Questions = Annotated[
    list[Path], typer.Option("--audio", help="A spoken question (WAV); give it again for more.")
]
Portrait = Annotated[Path | None, typer.Option(help="Who speaks: a JPEG, PNG or WebP file.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Record the reply: .mp4 or .wav.")
]


def talk(
    audio: Questions, portrait: Portrait = None, output: Output = None, address: Address = None
) -> None:
    """Ask aloud and watch the answer."""
    questions = read_questions(audio)
    run(ask(questions, portrait, output, talk_service(address)))


def say_command(
    text: Annotated[str, typer.Argument(help="The words.")],
    portrait: Portrait = None,
    output: Output = None,
    address: Address = None,
) -> None:
    """Have the portrait speak your words."""
    options = _options(portrait, output)
    run(converse(talk_service(address), options, say(text), output=output))


async def ask(
    questions: Sequence[Wav], portrait: Path | None, output: Path | None, service: Target
) -> None:
    """Asks ``questions`` one after the other in one talk."""
    microphone = Microphone(sample_rate=questions[0].sample_rate)
    options = _options(portrait, output, microphone)
    await converse(service, options, speak(questions), output=output, turns_asked=len(questions))


def read_questions(paths: Sequence[Path]) -> list[Wav]:
    """Reads the files of one talk, whose microphone has one sample rate."""
    questions = [read_wav(path) for path in paths]
    if len({question.sample_rate for question in questions}) > 1:
        raise CommandError("the questions of one talk must have the same sample rate")
    return questions


def _options(
    portrait: Path | None, output: Path | None, microphone: Microphone | None = None
) -> TalkOptions:
    for_voice_alone = output is not None and output.suffix.lower() == ".wav"
    return TalkOptions(
        microphone=microphone,
        portrait=portrait.read_bytes() if portrait else None,
        video=None if for_voice_alone else Video(),
        # A file takes everything at once; a person follows at the speed of speech.
        playback=Playback.SENT if output else Playback.REAL_TIME,
        # A pause within a file is no interruption.
        barge_in=False,
    )
