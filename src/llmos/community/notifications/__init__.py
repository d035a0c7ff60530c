"""What is new for a member: in the app, by mail at once or as a digest, and by web push."""
