"""What a run tells others while it goes on: lines of JSON, places where curves are looked at, a command of the user."""
