"""Text in, ranked runbooks with a calibrated confidence out."""

from matching.matcher import Matcher

__all__ = ["Matcher"]
