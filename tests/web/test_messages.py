"""The two languages: nothing is left untranslated, in the catalogue and on the pages."""

import html.parser
import importlib.machinery
import importlib.util
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from http.cookiejar import CookieJar
from pathlib import Path
from types import ModuleType
from urllib.parse import urlencode

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from django.utils import timezone, translation
from django.utils.html import strip_tags
from tests.conftest import HubServer, running_hub
from tests.homes import Homes

from llmos.hub.errors import EntryNotFound
from llmos.hub.git.paths import BadPath, checked_path
from llmos.web.jinja import ago, readable_bytes, short_count

TOOL = Path(__file__).parents[2] / "tools" / "messages"
# Their text is code, names, or what members wrote.
NOT_OURS = {"code", "pre", "script", "style"}
WITHOUT_END = {"br", "hr", "img", "input", "link", "meta"}


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("messages_tool", str(TOOL))
    spec = importlib.util.spec_from_loader("messages_tool", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_the_chinese_catalogue_is_complete_and_compiled() -> None:
    done = subprocess.run(
        [sys.executable, str(TOOL), "--check"], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_texts_come_from_python_and_from_both_kinds_of_templates(tool: ModuleType) -> None:
    texts = tool.texts()
    assert ("Another member has the address %(email)s", "") in texts
    assert ("Copied", "") in texts
    assert ("Already a member?", "") in texts
    assert (("%(n)d day ago", "%(n)d days ago"), "") in texts
    assert ("Code", "shown by a terminal") in texts


@pytest.mark.parametrize(
    ("text", "string", "said"),
    [
        ("Join %(name)s", "", "not translated"),
        ("Join %(name)s", "加入 %(nam)s", "other placeholders"),
        ("Join %(name)s", "加入", "other placeholders"),
        ("Upload {n} files", "上传 {m} 个文件", "other placeholders"),
        (("%(n)d byte", "%(n)d bytes"), ("%(m)d 字节",), "other placeholders"),
    ],
)
def test_a_bad_translation_is_told(
    tool: ModuleType, text: str | tuple[str, str], string: str | tuple[str], said: str
) -> None:
    made = Catalog(locale="zh_Hans")
    made.add(text, string=string)
    assert [said in fault for fault in tool.faults(made)] == [True]


def test_a_guessed_translation_counts_as_none(tool: ModuleType) -> None:
    made = Catalog(locale="zh_Hans")
    made.add("Save", string="保存", flags=["fuzzy"])
    assert len(list(tool.faults(made))) == 1


def test_a_text_that_left_the_sources_leaves_the_catalogue(tool: ModuleType) -> None:
    kept = Catalog(locale="zh_Hans")
    kept.add("A text that no page has", string="没有")
    kept.add("Enter a valid email address.", string="请输入有效的电子邮件地址。")  # Django's
    made = tool.catalogue(kept)
    assert made.get("A text that no page has") is None
    assert made.get("Enter a valid email address.").string == "请输入有效的电子邮件地址。"


def test_each_thing_has_one_word_on_all_chinese_pages(tool: ModuleType) -> None:
    with tool.PO.open("rb") as file:
        kept = read_po(file)
    words = {
        "Card": "卡片",
        "Data set": "数据集",
        "Licence": "许可证",
        "Likes": "点赞",
        "Passkeys": "通行密钥",
        "Revision": "修订",
        "admin": "管理员",
        "contributor": "贡献者",
        "read": "只读",
        "write": "读写",
    }
    assert {text: kept.get(text).string for text in words} == words
    strings = {string for message in kept for string in tool._words(message.string) if message.id}
    avoided = ("说明卡", "喜欢", "Email", "账户", "帐号")
    assert [s for s in strings if any(word in s for word in avoided)] == []


def test_numbers_are_counted_as_the_language_counts() -> None:
    figures = (980, 22_713_216, 355_000, 671_000_000_000)
    with translation.override("zh-hans"):
        assert [short_count(n) for n in figures] == ["980", "2271万", "35.5万", "6710亿"]
        assert readable_bytes(12) == "12 字节"
    with translation.override("en"):
        assert [short_count(n) for n in figures] == ["980", "22.7M", "355k", "671B"]
        assert readable_bytes(12) == "12 bytes"


def test_times_read_as_the_pages_script_writes_them() -> None:
    words = {
        timedelta(seconds=5): "刚刚",
        timedelta(minutes=3): "3分钟前",
        timedelta(hours=5): "5小时前",
        timedelta(days=2): "2天前",
        timedelta(days=70): "2个月前",
        timedelta(days=800): "2年前",
    }
    with translation.override("zh-hans"):
        shown = {span: strip_tags(ago(timezone.now() - span)) for span in words}
    assert shown == words


def test_a_time_to_come_reads_as_a_day() -> None:
    end = timezone.now() + timedelta(days=30)
    with translation.override("zh-hans"):
        assert strip_tags(ago(end)) == f"{end.year}年{end.month}月{end.day}日"


def test_refusals_are_said_in_the_language_of_the_page() -> None:
    with translation.override("zh-hans"):
        assert EntryNotFound("a.txt", "").message == "找不到文件或文件夹：a.txt"
        with pytest.raises(BadPath) as refused:
            checked_path("a\\b")
    assert refused.value.message == "路径“a\\b”含有反斜杠；文件夹请用 / 分隔"
    assert EntryNotFound("a.txt", "").message == "Entry not found: a.txt"


class _Words(html.parser.HTMLParser):
    """The texts of a page that a reader sees or hears."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        for name in ("title", "aria-label", "placeholder", "data-copied", "data-sending"):
            self.found.add(attributes.get(name) or "")
        if tag not in WITHOUT_END:
            ours = tag not in NOT_OURS and attributes.get("translate") != "no"
            self._open.append((tag, ours and (not self._open or self._open[-1][1])))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, text: str) -> None:
        if self._open and self._open[-1][1]:
            self.found.add(" ".join(text.split()))


def words_of(page: str) -> set[str]:
    words = _Words()
    words.feed(page)
    return words.found


class _Reader:
    """Somebody whose browser wishes for Chinese, or for other languages."""

    def __init__(self, hub: HubServer, languages: str = "zh-CN,zh;q=0.9,en;q=0.5") -> None:
        self.hub, self.languages, self.cookies = hub, languages, CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def page(self, path: str, form: dict[str, str] | None = None) -> str:
        sent = None
        if form is not None:
            token = next(c.value for c in self.cookies if c.name == "llmos_csrf")
            sent = urlencode({**form, "csrfmiddlewaretoken": token or ""}).encode()
        request = urllib.request.Request(
            self.hub.url + path, data=sent, headers={"Accept-Language": self.languages}
        )
        try:
            with self._opener.open(request, timeout=30) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as refusal:
            return refusal.read().decode()

    def sign_in(self, name: str) -> None:
        self.page("/accounts/login/")
        self.page("/accounts/login/", {"login": name, "password": "correct horse 9"})
        assert "/settings/tokens" in self.page("/")


OPEN_TO_ALL = """/ /models /datasets /spaces /kernels /search?q=nothing /ada
    /ada/messages /ada/messages/tree/main /ada/messages/blob/main/README.md
    /ada/messages/blob/main/missing /ada/messages/tree/missing /ada/messages/commits/main
    /ada/messages/refs /ada/messages/discussions /nobody-has-this /no/such/page/here
    /accounts/login/ /accounts/signup/ /accounts/password/reset/ /join/nothing
    /accounts/link/nothing""".split()
FOR_MEMBERS = """/settings/profile /settings/account /settings/tokens /settings/organizations
    /organizations/new /new /new-dataset /device /accounts/email/ /accounts/password/change/
    /accounts/2fa/ /accounts/2fa/totp/activate/ /accounts/2fa/webauthn/add/
    /ada/messages/settings /ada/messages/upload/main /ada/messages/new/main
    /ada/messages/edit/main/README.md""".split()
MISTAKES: list[tuple[str, dict[str, str]]] = [
    ("/settings/tokens", {}),
    ("/organizations/new", {"name": "a b"}),
    ("/new", {"namespace": "ada", "name": "messages", "visibility": "public"}),
    ("/device", {"code": "nothing"}),
    ("/ada/messages/new/main", {"path": "../up", "content": "x"}),
    ("/accounts/password/change/", {"oldpassword": "no", "password1": "1", "password2": "2"}),
]


@pytest.fixture(scope="module")
def hub_server(tmp_path_factory: pytest.TempPathFactory, homes: Homes) -> Iterator[HubServer]:
    """A hub of its own: on a shared one, pages show what other tests wrote, in English."""
    with running_hub(tmp_path_factory.mktemp("messages") / "home", homes) as hub:
        yield hub


@pytest.fixture
def english(tool: ModuleType) -> set[str]:
    """Texts of the catalogue that a Chinese page must not show: those that Chinese words."""
    with tool.PO.open("rb") as file:
        kept = read_po(file)
    return {m.id for m in kept if isinstance(m.id, str) and m.id and m.id != m.string}


def test_a_chinese_page_has_no_english_words_of_ours(
    hub_server: HubServer, english: set[str]
) -> None:
    make_repository(hub_server)
    anybody, ada = _Reader(hub_server), _Reader(hub_server)
    ada.sign_in("ada")
    pages = [(path, anybody.page(path)) for path in OPEN_TO_ALL]
    pages += [(path, ada.page(path)) for path in OPEN_TO_ALL + FOR_MEMBERS]
    pages += [(path, ada.page(path, form)) for path, form in MISTAKES]
    left = {}
    for path, page in pages:
        assert '<html lang="zh-Hans"' in page, path
        left[path] = words_of(page) & english
    assert {path: found for path, found in left.items() if found} == {}


def test_a_pages_script_is_refused_in_the_language_of_the_page(hub_server: HubServer) -> None:
    make_repository(hub_server)
    lines = [
        {"key": "header", "value": {"summary": "Up"}},
        {"key": "file", "value": {"path": "a//b", "content": "x"}},
    ]
    told = {}
    for language in ("zh-Hans", "xx", ""):
        request = urllib.request.Request(
            f"{hub_server.url}/api/models/ada/messages/commit/main",
            data="\n".join(json.dumps(line) for line in lines).encode(),
            headers={
                "Authorization": f"Bearer {hub_server.tokens['ada']}",
                "Content-Type": "application/x-ndjson",
                **({"X-Page-Language": language} if language else {}),
            },
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=20)
        told[language] = json.load(refused.value)["error"]
        refused.value.close()
    english = "The path 'a//b' has an empty, `.` or `..` part"
    chinese = "路径“a//b”含有空的、`.` 或 `..` 的部分"
    assert told == {"zh-Hans": chinese, "xx": english, "": english}


def test_an_english_page_has_them(hub_server: HubServer, english: set[str]) -> None:
    page = _Reader(hub_server, "en").page("/models")
    assert '<html lang="en"' in page
    assert {"Models", "Sign in", "Search", "Filter by name"} <= words_of(page) & english


def test_a_form_without_its_cookie_is_refused_in_chinese(hub_server: HubServer) -> None:
    request = urllib.request.Request(
        f"{hub_server.url}/accounts/login/", data=b"login=ada", headers={"Accept-Language": "zh"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)
    page = refused.value.read().decode()
    refused.value.close()
    assert refused.value.code == 403
    assert "表单已过期" in words_of(page)


def test_a_refusal_shows_the_address_as_text(hub_server: HubServer) -> None:
    make_repository(hub_server)
    page = _Reader(hub_server).page("/ada/messages/blob/main/50%25%3Cb%3Ebold")
    assert "找不到文件或文件夹：50%&lt;b&gt;bold" in page
    assert "<b>bold" not in page


def make_repository(hub: HubServer) -> None:
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=hub.tokens["ada"])
    api.create_repo("ada/messages", exist_ok=True)
    api.upload_file(
        path_or_fileobj=b"---\nlicense: mit\n---\nText.\n",
        path_in_repo="README.md",
        repo_id="ada/messages",
    )
