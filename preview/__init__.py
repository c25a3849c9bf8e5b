"""Rows out of stored files of any common table format, within limits and in processes of their own; knows no
catalogue.
"""

from preview.errors import PreviewError
from preview.limits import Limits
from preview.previewer import Previewer
from preview.result import Column, Preview, Scan
from preview.source import Source

__all__ = ["Column", "Limits", "Preview", "PreviewError", "Previewer", "Scan", "Source"]
