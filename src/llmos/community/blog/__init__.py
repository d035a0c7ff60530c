"""Articles: written here or pushed as Markdown, in the name of a member or an organisation."""
