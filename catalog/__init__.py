"""What Datashelf does, without a screen: datasets, uploads, downloads, previews, and who may see them."""
