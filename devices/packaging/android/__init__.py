"""Assets for an Android app: models with metadata, a manifest, Kotlin, and the verification of a built app."""
