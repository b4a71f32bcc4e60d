"""What one environment compiled, another of its kind need not compile; other words are never shown."""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import DictLoader, Environment
from jinja2.sandbox import SandboxedEnvironment

from kameng.web.compiled import Compiled


class Counting(SandboxedEnvironment):
    """How often it has compiled."""

    compiled = 0

    def _generate(self, *args: object, **given: object) -> str:
        type(self).compiled += 1
        return super()._generate(*args, **given)  # type: ignore[arg-type]  # passed on as they came


def environment(cache: Compiled, pages: Mapping[str, str]) -> Environment:
    return Counting(loader=DictLoader(pages), bytecode_cache=cache)


def test_the_second_environment_shows_the_same_and_compiles_nothing() -> None:
    cache, pages = Compiled(), {"page": "{{ name }}!"}
    first = environment(cache, pages).get_template("page").render(name="A")
    done = Counting.compiled
    assert environment(cache, pages).get_template("page").render(name="B") == "B!"
    assert (first, Counting.compiled) == ("A!", done)


def test_another_text_under_the_same_name_is_compiled() -> None:
    cache = Compiled()
    assert environment(cache, {"page": "old"}).get_template("page").render() == "old"
    assert environment(cache, {"page": "new"}).get_template("page").render() == "new"
