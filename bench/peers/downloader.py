"""st.download_button on the file that BENCH_FILE names, and nothing else."""

import os
from pathlib import Path

import streamlit as st

path = Path(os.environ["BENCH_FILE"])
st.download_button("Download", path.read_bytes(), file_name=path.name, mime="application/octet-stream")
