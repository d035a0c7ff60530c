"""Large files: content by sha256, whole or as Xet chunks, and the git-lfs protocol."""
