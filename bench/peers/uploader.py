"""st.file_uploader, and nothing else."""

import streamlit as st

file = st.file_uploader("File")
if file is not None:
    st.write(f"Received {file.size} bytes")
