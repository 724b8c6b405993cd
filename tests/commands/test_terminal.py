"""What is told while something goes on."""

from entra_deployer.commands.terminal import working


def test_a_log_is_told_now_and_then_how_far_it_is(capsys):
    times = iter([0.0, 1.0, 6.0, 8.0, 12.5, 13.0])
    with working("verifying on stag\x1bing", lambda: next(times)) as step:
        for done in range(1, 6):
            step(done, 5)
    assert capsys.readouterr().err.splitlines() == [
        "verifying on stag\\x1bing: 2 of 5, 6 s",
        "verifying on stag\\x1bing: 4 of 5, 12 s",
        "verifying on stag\\x1bing: 5 of 5, 13 s",
    ]


def test_what_is_done_at_once_is_not_told(capsys):
    times = iter([0.0, 0.5, 1.0])
    with working("verifying", lambda: next(times)) as step:
        step(1, 2)
        step(2, 2)
    assert capsys.readouterr().err == ""
