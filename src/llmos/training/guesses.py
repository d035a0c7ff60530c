"""What a data set's first rows and its card suggest: languages, a recipe, columns, a name.

Guesses fill in a form that a member then changes; nothing is decided here.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf.locale import LANG_INFO
from django.utils.translation import gettext as _

from llmos.hub.preview import Preview
from llmos.lab.errors import BadData
from llmos.lab.recipes.schema import DataRecipe
from llmos.lab.training.conversations import columns_found

LONGEST_NAME = 80
# Scripts that only one widely written language uses.
_OF_SCRIPT = {
    "CJK": "zh",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "THAI": "th",
    "GREEK": "el",
    "HEBREW": "he",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
}
_TWO_LETTERS = frozenset({code for code in LANG_INFO if len(code) == 2} | {"zh"})
_LONGER = {
    "cmn": "zh", "zho": "zh", "chi": "zh", "eng": "en", "deu": "de", "ger": "de", "fra": "fr",
    "fre": "fr", "spa": "es", "jpn": "ja", "kor": "ko", "rus": "ru", "ita": "it", "por": "pt",
    "nld": "nl", "ces": "cs", "cze": "cs", "ara": "ar", "chinese": "zh",
    **{
        str(info["name"]).lower(): code
        for code, info in LANG_INFO.items()
        if len(code) == 2 and "name" in info
    },
}  # fmt: skip
# Words that are codes of languages too, and seldom meant so.
_MISTAKEN = frozenset({"id", "is", "no", "it", "as", "my", "or", "so", "to"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column of rows; `language` is a code, empty where nothing tells it."""

    name: str
    language: str
    is_text: bool

    @property
    def said(self) -> str:
        """The column as a list of choices shows it."""
        return f"{self.name} · {language_name(self.language)}" if self.language else self.name


def columns_of(preview: Preview, card_languages: Sequence[str] = ()) -> list[Column]:
    """The columns with the languages that their names, letters and the card tell."""
    texts = {
        name: "".join(row.get(name, "") for row in preview.rows)[:2000] for name in preview.columns
    }
    found = {name: _by_name(name, text, card_languages) or "" for name, text in texts.items()}
    written = {name: _script(text) for name, text in texts.items()}
    for name, script in written.items():
        found[name] = _agreed(found[name], script)
    left = [code for code in dict.fromkeys(card_languages) if code not in found.values()]
    open_ = [name for name in texts if not found[name] and _is_prose(texts[name])]
    if len(left) == len(open_) == 1:
        found[open_[0]] = left[0]
    return [Column(name, found[name], bool(written[name])) for name in texts]


def recipe_for(columns: Sequence[Column]) -> str:
    """The recipe that these columns seem to be made for."""
    if pair_of(columns) is not None:
        return "translate"
    found = conversations_in(columns)
    return "finetune" if found.messages or found.prompt else "language-model"


def pair_of(columns: Sequence[Column]) -> tuple[str, str] | None:
    """Two columns that say the same in two languages."""
    names = [column.name for column in columns]
    if {"source", "target"} <= set(names):
        return "source", "target"
    spoken: dict[str, str] = {}
    for column in columns:
        if column.language:
            spoken.setdefault(column.language, column.name)
    pair = list(spoken.values())[:2]
    return (pair[0], pair[1]) if len(pair) == 2 else None


def text_of(columns: Sequence[Column]) -> str:
    """The column of running text."""
    names = [column.name for column in columns if column.is_text]
    return "text" if "text" in names else (names[0] if names else "")


def conversations_in(columns: Sequence[Column]) -> DataRecipe:
    """The columns of requests and answers, of conversations or of text, by their usual names."""
    try:
        return columns_found([column.name for column in columns], DataRecipe())
    except BadData:
        return DataRecipe()


def output_name(*parts: str) -> str:
    """A name for the model from what goes into it, each word once."""
    words: list[str] = []
    for part in parts:
        for word in re.split(r"[^A-Za-z0-9._]+", part):
            if word.strip("._") and word.casefold() not in map(str.casefold, words):
                words.append(word.strip("._"))
    return "-".join(words)[:LONGEST_NAME].strip("-._") or "model"


def language_name(code: str) -> str:
    if code == "zh":
        return _("Chinese")
    info = LANG_INFO.get(code)
    return _(info["name"]) if info and "name" in info else code


def _by_name(name: str, text: str, card_languages: Sequence[str]) -> str:
    """`zh`, `translation.en`, `text_de`, `English` → the code of the language."""
    for word in (name, *re.split(r"[._\-\s]+", name)):
        key = word.lower()
        code = key if key in _TWO_LETTERS else _LONGER.get(key, "")
        if code and (key not in _MISTAKEN or code in card_languages) and _script(text):
            return code
    return ""


def _agreed(named: str, script: str) -> str:
    """What the name says, unless the letters say otherwise."""
    written = _OF_SCRIPT.get(script, "")
    if not written:
        return named if named not in _OF_SCRIPT.values() else ""
    return named if named in {"ja", "ko"} and written in {"zh", "ja", "ko"} else written


def _script(text: str) -> str:
    """The script of most of the letters, as Unicode names it: LATIN, CJK; "" without letters."""
    scripts = Counter(
        unicodedata.name(letter, "").split(" ")[0] for letter in text if letter.isalpha()
    )
    if scripts["HIRAGANA"] or scripts["KATAKANA"]:
        return "HIRAGANA"
    return scripts.most_common(1)[0][0] if scripts else ""


def _is_prose(text: str) -> bool:
    return " " in text and sum(map(str.isalpha, text)) > len(text) / 2
