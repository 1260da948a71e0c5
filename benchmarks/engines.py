"""How fast the embedded engines are, each through its service."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from benchmarks.accounting import pin
from benchmarks.figures import Figure, at_least, at_most, figure
from benchmarks.fleet import Fleet, real_mesh
from benchmarks.language_model import Generation, generate
from benchmarks.progress import say
from benchmarks.speed import animator_speed, asr_speed, speak
from benchmarks.statistics import over_rounds, percentile, ratio_of_rounds

_ROUNDS = 3
_CONCURRENCY = (1, 2, 4, 8)
_ALONE, _TOGETHER = 1, 8
_ANIMATOR_CORES = {0}
_MS = 1000.0


async def measure(*, brief: bool) -> list[Figure]:
    """Speeds of ASR, TTS and animator, rates of the language model, round by round."""
    speeds: dict[str, list[float]] = defaultdict(list)
    generations: dict[int, list[Generation]] = defaultdict(list)
    async with real_mesh() as fleet:
        pin(fleet.pids["animator"], _ANIMATOR_CORES)
        say("engines: first steps")
        await _round(fleet, defaultdict(list), defaultdict(list), (_ALONE,))
        for index in range(1 if brief else _ROUNDS):
            say(f"engines: round {index + 1}")
            await _round(fleet, speeds, generations, _CONCURRENCY)
    return [*_speeds(speeds), *_rates(generations)]


async def _round(
    fleet: Fleet,
    speeds: dict[str, list[float]],
    generations: dict[int, list[Generation]],
    concurrency: Sequence[int],
) -> None:
    speeds["asr"].append(await asr_speed(fleet.target("asr")))
    speech, speed = await speak(fleet.target("tts"))
    speeds["tts"].append(speed)
    speeds["animator"].append(await animator_speed(fleet.target("animator"), speech))
    for requests in concurrency:
        generations[requests].append(await generate(fleet.target("llm"), requests))


def _speeds(speeds: Mapping[str, Sequence[float]]) -> list[Figure]:
    return [
        figure("engines.asr_speed", over_rounds(speeds["asr"]), "x real time"),
        figure("engines.tts_speed", over_rounds(speeds["tts"]), "x real time"),
        figure(
            "engines.animator_speed_one_core",
            over_rounds(speeds["animator"]),
            "x real time",
            at_least(5),
        ),
    ]


def _rates(generations: Mapping[int, Sequence[Generation]]) -> list[Figure]:
    figures = []
    for requests in _CONCURRENCY:
        rounds = generations[requests]
        rates = over_rounds([r.rate for r in rounds])
        waits = over_rounds([_MS * percentile(r.first_tokens, 95) for r in rounds])
        figures += [
            figure(f"engines.llm_rate.requests_{requests}", rates, "tokens/s"),
            figure(f"engines.llm_first_token_p95.requests_{requests}", waits, "ms"),
        ]
    alone, together = generations[_ALONE], generations[_TOGETHER]
    rate = ratio_of_rounds([r.rate for r in together], [r.rate for r in alone])
    wait = ratio_of_rounds(
        [percentile(r.first_tokens, 95) for r in together],
        [percentile(r.first_tokens, 50) for r in alone],
    )
    return [
        *figures,
        figure("engines.llm_rate_of_8_to_1", rate, "x", at_least(5)),
        figure("engines.llm_first_token_p95_of_8_to_1", wait, "x", at_most(3)),
    ]
