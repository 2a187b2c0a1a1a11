"""What every room stands on: errors, canonical hashing, atomic files. Knows no other room."""
