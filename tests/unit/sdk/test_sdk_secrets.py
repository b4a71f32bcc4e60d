"""A secret leaves by `reveal` alone."""

import copy
import json
import pickle

import pytest

from kameng_sdk.config import PluginConfig
from kameng_sdk.secrets import Secret

SECRET = Secret("hunter2-hunter2")


def test_it_gives_its_value_only_when_asked():
    assert SECRET.reveal() == "hunter2-hunter2"


@pytest.mark.parametrize(
    "shown",
    [repr(SECRET), str(SECRET), f"{SECRET}", f"{SECRET:>30}", repr([SECRET]),
     repr(PluginConfig({"key": SECRET}))],
)  # fmt: skip
def test_no_way_of_printing_shows_it(shown):
    assert "hunter2" not in shown


def test_it_is_neither_pickled_nor_copied_nor_written_as_json():
    for leak in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError):
            leak(SECRET)


def test_it_compares_by_value():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
