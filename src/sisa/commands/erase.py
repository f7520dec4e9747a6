"""Erase images for good: from raw data, pool, shards and models, in workspace, cache, run-cache and every remote.

Without --confirm nothing is changed: it says what would go where, which models must be trained again at what cost, and
what nobody can reach. Stopped at any point, the same command goes on where it was. See docs/erasing.md.
"""

import argparse
import json
import shlex
import shutil
from datetime import date
from importlib.metadata import version
from pathlib import Path
from platform import python_version

import psutil
from dvc.repo import Repo

from sisa import raw, requests, roster
from sisa.common import paths
from sisa.common.errors import BadInput
from sisa.common.files import read_json, write_json
from sisa.common.params import Params, load
from sisa.erasing import receipts, renewal, scan
from sisa.erasing.orders import JOURNAL, Order
from sisa.erasing.receipts import OUT_OF_REACH, Receipt
from sisa.git import git
