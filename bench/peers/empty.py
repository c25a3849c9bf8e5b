"""A page with one line on it, in a process that has pandas loaded, as every app with a table has."""

import pandas as pd
import streamlit as st

st.write(f"pandas {pd.__version__}")
