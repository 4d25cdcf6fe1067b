//! Layered script generation from weighted tokens, validated before it is written.
