"""The shared fixtures: both stores run Lua, start empty, and no PUSH_* variable leaks in."""

import os


def test_both_stores_run_scripts_and_start_empty(any_redis):
    assert any_redis.dbsize() == 0
    assert any_redis.eval("return redis.call('INCRBY', KEYS[1], ARGV[1])", 1, "n", 2) == 2
    assert any_redis.get("n") == b"2"


def test_no_setting_of_the_caller_reaches_a_test():
    assert not [name for name in os.environ if name.upper().startswith("PUSH_")]
