//! What goes out, byte by byte.
