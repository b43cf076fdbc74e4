"""What the settings refuse, and what they never show."""

import pytest

from settings import Settings

URL = "https://llm.example/v1"


def test_there_is_no_language_model_by_default() -> None:
    assert Settings().llm() is None
    assert Settings.model_validate({"llm_url": "", "llm_model": ""}).llm() is None


def test_a_language_model_and_its_key() -> None:
    settings = Settings.model_validate({"llm_url": URL, "llm_model": "tiny", "llm_key": "sk-never-seen"})
    options = settings.llm()
    assert options is not None
    assert options.key is not None
    assert options.key.get_secret_value() == "sk-never-seen"
    assert "sk-never-seen" not in f"{settings!r} {options!r} {settings.model_dump()}"


@pytest.mark.parametrize(
    "url", ["llm.example", "ftp://llm.example/v1", "https://sam:secret@llm.example/v1", f"{URL}?key=secret", "http://"]
)
def test_a_url_that_is_none_or_holds_a_secret(url: str) -> None:
    with pytest.raises(ValueError, match="HANDRAIL_LLM_URL takes") as raised:
        Settings(llm_url=url, llm_model="tiny").llm()
    assert "secret" not in str(raised.value)


def test_a_language_model_without_a_name() -> None:
    with pytest.raises(ValueError, match="HANDRAIL_LLM_MODEL"):
        Settings(llm_url=URL).llm()


@pytest.mark.parametrize("wrong", [{"llm_timeout": 21}, {"llm_timeout": 0}, {"llm_tokens": 100}])
def test_limits(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="llm_"):
        Settings.model_validate(wrong)
