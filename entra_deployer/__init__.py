"""Detections as code on Elastic: hunts become proven Kibana detection rules."""

from importlib.metadata import version

__version__ = version("entra-deployer")
