"""The smallest Streamlit apps that do the same thing as Streamlit comes: what Datashelf is measured against."""
