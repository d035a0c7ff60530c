"""Words as a search index sees them, in languages with and without spaces.

Latin and other spaced scripts give lower-case words; runs of Chinese, Japanese and Korean
characters give overlapping pairs, so that every two-character word is found and none is
invented. The same function reads documents and queries.
"""

import re
import unicodedata

_CJK = (
    "\u3005-\u3007"  # 々〆〇
    "\u3040-\u30ff"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # ideographs
    "\uac00-\ud7af"  # hangul
    "\U00020000-\U0003ffff"  # rarer ideographs
)
_RUNS = re.compile(rf"[{_CJK}]+|(?:(?![{_CJK}])\w)+")
_FIRST_CJK = re.compile(rf"[{_CJK}]")
# Words of names are searched by their parts too: `tiny-bert_v2` has tiny, bert and v2.
_PARTS = re.compile(r"_+|(?<=[^\W\d])(?=\d)|(?<=\d)(?=[^\W\d])")
LONGEST_WORD = 64


def fold(text: str) -> str:
    """One spelling for full width, half width, accents' two forms, and letter case."""
    return unicodedata.normalize("NFKC", text).casefold()


def search_words(text: str) -> list[list[str]]:
    """The words of a text in order; several words that belong together form one inner list.

    An inner list is a phrase: `注意力` gives `["注意", "意力"]`, `bert2` gives
    `["bert", "2"]`. A single CJK character stands alone.
    """
    phrases: list[list[str]] = []
    for run in _RUNS.findall(fold(text)):
        if _FIRST_CJK.match(run):
            phrases.append([run] if len(run) == 1 else _pairs(run))
        else:
            parts = [part[:LONGEST_WORD] for part in _PARTS.split(run) if part]
            if parts:
                phrases.append(parts)
    return phrases


def index_words(text: str) -> str:
    """The words of a document, separated by blanks, for an index that splits at blanks.

    Where a CJK run ends its last character follows alone, so that a search for one
    character finds it in any place.
    """
    return " ".join(word for phrase in search_words(text) for word in _with_end(phrase))


def is_spaced(word: str) -> bool:
    """Whether a word is of a script that puts spaces between words."""
    return _FIRST_CJK.match(word) is None


def _with_end(phrase: list[str]) -> list[str]:
    last = phrase[-1]
    return [*phrase, last[-1]] if len(last) == 2 and not is_spaced(last) else phrase


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]


# What turns the direction of text around it, and what a terminal or an index may trip over;
# our own marks of the private use area are not for texts either. Line ends and tabs stay.
_UNWANTED = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ue000-\uf8ff]"
)
MOST_MARKS = 4  # combining marks on one character; written languages need fewer


def cleaned(text: str) -> str:
    """A member's text in one spelling (NFC), less what would disturb the text of others."""
    composed = unicodedata.normalize("NFC", _UNWANTED.sub("", text))
    if composed.isascii() or not any(map(unicodedata.combining, set(composed))):
        return composed
    kept, marks = [], 0
    for character in composed:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def language_of(text: str) -> str:
    """`zh` where a tenth of the letters is Chinese, else `en`: a first guess that people mend."""
    letters = [character for character in text[:2000] if character.isalpha()]
    ideographs = sum(1 for character in letters if _FIRST_CJK.match(character))
    return "zh" if letters and ideographs * 10 >= len(letters) else "en"


_FENCES = re.compile(r"^\s*(`{3,}|~{3,}).*?(?:^\s*\1|\Z)", re.DOTALL | re.MULTILINE)
_FORMULAS = re.compile(r"\$\$.*?\$\$", re.DOTALL)
_BESIDES = re.compile(r"^\s*(?:>|#{1,6}\s).*$", re.MULTILINE)  # quotes and headings
_LINKED = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
# Rules of tables and between parts; marks of headings and lists with their boxes; cells.
_BLOCK_MARKS = re.compile(
    r"^[|: \t-]{3,}$|^\s*(?:#{1,6}|[-+*]|\d+[.)])\s+(?:\[[ xX]\]\s)?|\|", re.MULTILINE
)
_WORD_MARKS = re.compile(r"`+|~~|(?<!\w)[*_]+(?!\s)|(?<!\s)[*_]+(?!\w)")


def plain_words(text: str, *, longest: int) -> str:
    """The beginning of a Markdown text as one line of plain words, cut at a word.

    Headings, quotes, code and formulas are left out as long as anything else is there.
    """
    text = text[: 20 * longest]
    own = _BESIDES.sub(" ", _FORMULAS.sub(" ", _FENCES.sub(" ", text)))
    words = _in_one_line(own) or _in_one_line(text.replace(">", " "))
    if len(words) <= longest:
        return words
    cut = words[:longest]
    head, _space, _tail = cut.rpartition(" ")
    return (head if len(head) > longest // 2 else cut).rstrip() + " …"


def _in_one_line(text: str) -> str:
    return " ".join(_WORD_MARKS.sub("", _BLOCK_MARKS.sub(" ", _LINKED.sub(r"\1", text))).split())
