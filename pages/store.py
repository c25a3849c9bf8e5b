import streamlit as st

st.title("Storage")
