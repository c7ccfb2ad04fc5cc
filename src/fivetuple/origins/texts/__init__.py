"""Texts that people paste: what ss, netstat, lsof and /proc/net print, as Snapshots.

`recognise.py` tells which it is; each tool has its file; `collector.py` gathers rows, owners and
what could not be read. All parsers share one bargain: a row that can't be read is left out and
`missing` says how many there are and shows the first; a text without any row is BadInput.
"""
