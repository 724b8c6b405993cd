"""Forecast: what a push would do to the alerts, by both queries over the environment's own data. Reads only.

`forecast.forecast` runs each rule as it stands and as it would stand at each moment of its schedule in the last days;
`alerts` says which of the rows become alerts, `figures` what that comes to.
"""
