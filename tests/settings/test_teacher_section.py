"""The section `teacher`: what may be null, and `extra`, which is any JSON object that the request lacks."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from distill.settings import SettingsError, load_settings
from distill.settings.loader import JsonObject, loads
from distill.settings.teacher import TeacherSettings
from house import ROOT

PARAMS = (ROOT / "params.yaml").read_text()


def section(extra: str) -> TeacherSettings:
    """The committed section with another `extra`, as it would stand in the file."""
    text = PARAMS[PARAMS.index("teacher:\n") : PARAMS.index("\n# The zero-shot prompt")]
    indented = [line[2:] for line in text.splitlines()[1:]]
    return loads(TeacherSettings, "\n".join(line if line != "extra:" else f"extra: {extra}" for line in indented))


def test_sampling_may_be_null(make_settings):
    nulls = ("teacher.temperature", "teacher.top_p", "teacher.seed", "prompt.temperature")
    teacher = make_settings(**dict.fromkeys(nulls)).teacher
    assert (teacher.temperature, teacher.top_p, teacher.seed, teacher.reasoning_effort) == (None, None, None, None)


@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "xhigh", "max", "default", None])
def test_an_effort_that_vendors_publish_is_taken(make_settings, effort):
    assert make_settings(**{"teacher.reasoning_effort": effort}).teacher.reasoning_effort == effort


def test_another_effort_is_refused_with_those_that_there_are(make_settings):
    with pytest.raises(
        SettingsError, match=r"teacher.reasoning_effort: is 'hihg'; allowed: none, minimal, low, .*null"
    ):
        make_settings(**{"teacher.reasoning_effort": "hihg"})


def test_extra_is_read_as_json():
    text = "{chat_template_kwargs: {enable_thinking: false}, top_k: 1, p: 0.5, big: 1e3, list: [a, null, {b: 'no'}]}"
    assert section(text).extra == {
        "chat_template_kwargs": {"enable_thinking": False},
        "top_k": 1,
        "p": 0.5,
        "big": 1000.0,
        "list": ["a", None, {"b": "no"}],
    }
    assert section("{}").extra == {} and section("").extra is None


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("{messages: []}", "extra.messages: cannot be sent from here: the prompt decides it"),
        ("{model: m}", "extra.model: cannot be sent from here: teacher.model decides it"),
        ("{n: 2}", "extra.n: cannot be sent from here: annotate.samples decides"),
        ("{stream: true}", "extra.stream: cannot be sent from here: answers are read whole"),
        ("{temperature: 1}", "extra.temperature: cannot be sent from here: teacher.temperature decides it"),
        ("{max_completion_tokens: 1}", "teacher.max_tokens decides it, and teacher.max_tokens_field"),
        ("{reasoning_effort: low}", "extra.reasoning_effort: cannot be sent from here: teacher.reasoning_effort"),
        ("{response_format: {type: text}}", "teacher.structured decides it"),
        ("{a: [{api_key: sk-1}]}", "extra: has 'api_key'; secrets come from the environment alone"),
        ("{headers: {Authorization: x}}", "extra: has 'Authorization'; secrets"),
        ("text", "extra: is 'text'; allowed: a section of any keys, null"),
        ("[1]", "extra: must be a single value, not a list"),
        ("{a: .inf}", "extra.a: `.inf` is read in two ways"),
        ("{a: .nan}", "extra.a: `.nan` is read in two ways"),
        ("{a: [1, 1e999]}", r"extra.a\[1\]: is 1E\+999; allowed: a number of at most 1.8e308"),
        ("{enable_thinking: off}", "extra.enable_thinking: `off` is read in two ways by YAML 1.1 and 1.2; write true"),
        ("{a: 1, a: 2}", "extra.a: is there twice"),
        ("&loop {a: *loop}", "\\*loop: an alias; write the value out"),
        (r'{a: "\ud800"}', "not valid YAML: found invalid Unicode"),
        ("{[a]: 1}", "keys must be plain words"),
    ],
)
def test_an_extra_that_cannot_be_sent_is_refused_with_the_way_out(extra, message):
    with pytest.raises(SettingsError, match=message) as error:
        section(extra)
    assert "sk-1" not in str(error.value)


def test_a_setting_of_any_keys_may_be_alone():
    import dataclasses

    alone = dataclasses.make_dataclass("Alone", [("extra", JsonObject)])
    alone.__annotations__["extra"] = JsonObject
    assert loads(alone, "extra: {a: 1}").extra == {"a": 1}
    with pytest.raises(SettingsError, match="extra: is empty; allowed: a section of any keys"):
        loads(alone, "extra:")


def test_dvc_writes_a_list_of_servers(tmp_path):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    code = "import sys; from dvc.utils.hydra import apply_overrides; apply_overrides('params.yaml', sys.argv[1:])"
    servers = ['teacher.base_url=["http://gpu1:8000/v1", "http://gpu2:8000/v1"]', "teacher.endpoint_name=ours"]
    for overrides in (servers, ["train.steps=7"]):
        subprocess.run([sys.executable, "-c", code, *overrides], cwd=tmp_path, check=True)
        read = load_settings(tmp_path / "params.yaml").teacher
        assert (read.addresses, read.endpoint_name) == (("http://gpu1:8000/v1", "http://gpu2:8000/v1"), "ours")


@pytest.mark.parametrize(
    ("override", "extra"),
    [
        (
            "teacher.extra={chat_template_kwargs: {enable_thinking: false}}",
            {"chat_template_kwargs": {"enable_thinking": False}},
        ),
        ("+teacher.extra.top_k=1", {"top_k": 1}),
        ("teacher.extra={thinking: {type: disabled}, stop: ['\\n\\n', 'x']}", {"thinking": {"type": "disabled"}}),
        ("teacher.extra=null", None),
        ("teacher.extra={}", {}),
    ],
)
def test_dvc_writes_extra_so_that_it_is_read_as_it_was_meant(tmp_path, override, extra):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    code = "import sys; from dvc.utils.hydra import apply_overrides; apply_overrides('params.yaml', sys.argv[1:])"
    for overrides in ([override], ["train.steps=7"]):
        subprocess.run([sys.executable, "-c", code, *overrides], cwd=tmp_path, check=True)
        read = load_settings(tmp_path / "params.yaml").teacher.extra
        assert (read and {name: value for name, value in read.items() if name != "stop"}) == extra


@pytest.mark.parametrize(
    "address",
    [
        "https://user:hunter2@host/v1", "HTTP://user:hunter2@host", "Https://hunter2@host/v1", "//user:hunter2@host",
        "user:hunter2@host", "ftp://user:hunter2@host", "http:/user:hunter2@host", "https:\\\\user:hunter2@host",
        "https://user%3Ahunter2%40host/v1", "https://host/v1?api_key=hunter2", "https://host/v1?a=1&KEY=hunter2",
        "https://host?sig=hunter2", "https://host/v1#access_token=hunter2", "https://a\\user:hunter2@host",
    ],
)  # fmt: skip
def test_an_address_with_a_password_or_a_key_is_refused_and_not_shown(make_settings, address):
    with pytest.raises(SettingsError, match="holds a user name, password or key; secrets come from the env") as raised:
        make_settings(**{"teacher.provider": "openai", "teacher.base_url": address})
    assert "hunter2" not in str(raised.value)


def test_an_address_with_a_version_among_its_parameters_is_none(make_settings):
    address = "https://x.openai.azure.com/openai/v1/@cf?api-version=2024-10-21"
    assert make_settings(**{"teacher.provider": "openai", "teacher.base_url": address}).teacher.base_url == address


@pytest.mark.parametrize(
    "address",
    [
        "http://[::1", "http://h:99999/", "http://h:0/v1", "http://h:port/v1", "http://h:-1", "http://", "http:///v1",
        "https://:8000/v1", "http://[::g]/v1", "http://[h]/v1", "http://1.2.3.999/v1", "http://a..b/v1",
        "http://a b/v1", "http://[::1]x/v1", "http://\U0001f600.de/v1",
        f"http://{'a' * 64}.de/v1", "http://h|x/v1", "http://h\x7f/v1", "http://h/v1\n", "http://::1/v1",
    ],
)  # fmt: skip
def test_an_address_without_a_valid_host_or_port_is_refused_in_a_line(make_settings, address):
    message = "teacher.base_url: is .*, which has no valid host or port; write it as http://HOST:PORT/v1"
    for base_url in (address, ("http://a/v1", address)):
        with pytest.raises(SettingsError, match=message) as raised:
            make_settings(
                **{"teacher.provider": "openai", "teacher.base_url": base_url, "teacher.endpoint_name": "ours"}
            )
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "address",
    [
        "http://[::1]:8000/v1", "http://[fe80::1%25eth0]/v1", "http://127.0.0.1:65535", "https://my_server/v1", "http://gpu-1.lan./v1",
        "http://h:/v1", "https://bücher.example/v1", "http://h/a b",
    ],
)  # fmt: skip
def test_an_address_with_a_host_is_taken(make_settings, address):
    assert make_settings(**{"teacher.provider": "openai", "teacher.base_url": address}).teacher.base_url == address
