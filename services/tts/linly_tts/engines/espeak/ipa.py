"""Speech sounds and the mouth shapes that make them visible.

The shapes and the sounds that stand for them are those of the Oculus lip-sync reference
(Meta, "Viseme Reference"). A sound that the reference doesn't name goes, by its place in the
chart of the International Phonetic Association, to the shape with the same lips and jaw.
"""

from linly_tts.engine import Viseme

_SOUNDS = {
    Viseme.PP: "p b m ɓ ʙ ɸ β",
    Viseme.FF: "f v ɱ ʋ ⱱ",
    Viseme.TH: "θ ð",
    Viseme.DD: "t d ʈ ɖ ɗ ɾ",
    Viseme.KK: "k g ɡ ɠ ŋ x ɣ q ɢ χ ħ ʕ h ɦ ʔ ç ʝ c ɟ ɰ",
    Viseme.CH: "tʃ dʒ tɕ dʑ tʂ dʐ ʃ ʒ ɕ ʑ ʂ ʐ",
    Viseme.SS: "s z ts dz",
    Viseme.NN: "n l ɲ ɳ ɴ ɫ ɭ ʎ ʟ ɬ ɮ",
    Viseme.RR: "r ɹ ɻ ɽ ʀ ʁ ɚ ɝ",
    Viseme.AA: "a ɑ æ ɐ ʌ ɶ",
    Viseme.E: "e ɛ ə ɘ ɜ ɤ",
    Viseme.I: "i ɪ j ɨ ɯ",
    Viseme.O: "o ɔ ɒ ø œ ɵ ɞ",
    Viseme.U: "u ʊ w ʉ ʍ y ʏ ɥ",
}
_VISEMES = {sound: viseme for viseme, sounds in _SOUNDS.items() for sound in sounds.split()}


def visemes_of(phoneme: str) -> list[Viseme]:
    """The shapes of one phoneme, one after the other: a diphthong has two.

    Stress, length, tones and other marks have no shape; a phoneme of them alone has none.
    """
    shapes: list[Viseme] = []
    at = 0
    while at < len(phoneme):
        sound = phoneme[at : at + 2] if phoneme[at : at + 2] in _VISEMES else phoneme[at]
        if (shape := _VISEMES.get(sound)) and shape not in shapes[-1:]:
            shapes.append(shape)
        at += len(sound)
    return shapes
