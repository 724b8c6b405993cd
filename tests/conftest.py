"""What holds for all tests."""

from hypothesis import settings

from entra_deployer.esql.parse import allow_depth

allow_depth()  # for all of the process: within a made example hypothesis lets nobody raise the limit
settings.register_profile("without a clock", deadline=None)  # how long an example takes is the machine's business
settings.load_profile("without a clock")
