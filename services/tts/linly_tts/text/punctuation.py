"""The marks that end sentences and clauses, and the full stops that don't."""

SENTENCE_MARKS = frozenset("!?…‼⁇⁈⁉。！？．｡︒।॥؟۔։።፧။\u037e")
"""End a sentence wherever they stand."""

CLAUSE_MARKS = frozenset(",;:—，、；：､﹐﹑،؛·፣፤፥၊")
"""End a clause, if it is long enough to be worth a breath."""

CLOSERS = frozenset("\"'”’»›)]}」』）】》〉")
"""What may stand between the mark that ends a sentence and the space after it."""

_ENGLISH = (
    "mr mrs ms dr prof st sr jr vs etc approx dept fig gov hon inc ltd lt maj capt sgt rev sen "
    "rep vol cf al"  # not "no", which is an answer more often than a number
)
_GERMAN = "bzw usw evtl ggf inkl nr tel zzgl sog ca"
_ROMANCE = "mme mlle mgr sra srta dña dott exmo"

ABBREVIATIONS = frozenset(f"{_ENGLISH} {_GERMAN} {_ROMANCE}".split())
"""Words after which a full stop ends no sentence, in lower case. Initials and what is made of
single letters, such as U.S. or z.B., are told by their shape."""

_OPENERS = "\"'“‘«(["


def ends_sentence(before: str) -> bool:
    """Whether a full stop after ``before`` may end a sentence.

    Args:
        before: the clause up to the full stop.
    """
    if before.strip().isdecimal():
        return False  # the number of a list item
    words = before.rsplit(maxsplit=1)
    word = words[-1].lstrip(_OPENERS).lower() if words else ""
    if word and all(len(part) == 1 and part.isalpha() for part in word.split(".")):
        return False
    return word not in ABBREVIATIONS
