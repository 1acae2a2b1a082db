//! Parses the output of `strace -f -xx`: the system calls of a program, in the order of their
//! completion, as calls on files and names below one folder.
//!
//! A call that changes something below the folder and is unknown here is a panic, never skipped. A
//! call that strace answered in place of the system (`inject`) changed nothing.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::replay::Call;

/// Calls that change files or names, and those that identify the file.
pub const TRACED: &str = "open,openat,openat2,creat,close,dup,dup2,dup3,fcntl,lseek,mmap,read,write,pwrite64,writev,\
                          pwritev,pwritev2,truncate,ftruncate,fallocate,fsync,fdatasync,sync_file_range,sync,syncfs,\
                          rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat,\
                          sendfile,copy_file_range,splice,io_uring_setup,io_submit";

/// The calls of consecutive programs below a folder.
pub struct Recorder {
    root: PathBuf,
    pub calls: Vec<Call>,
    /// Current files below the folder.
    files: BTreeMap<String, usize>,
    folders: Vec<String>,
    made: usize,
}

/// The file of a descriptor.
#[derive(Debug, Clone)]
enum Handle {
    File { file: usize, position: usize },
    Folder(String),
}

/// A completed call.
struct Ended<'a> {
    name: &'a str,
    arguments: Vec<&'a str>,
    result: &'a str,
    /// Number of calls that were complete when this one began.
    began: usize,
}

impl Recorder {
    /// Starts with an empty folder.
    pub fn new(root: &Path) -> Self {
        let root = root.canonicalize().expect("there");
        Self { root, calls: Vec::new(), files: BTreeMap::new(), folders: vec![String::new()], made: 0 }
    }

    /// Adds the calls of one program, from the text of its log.
    pub fn read(&mut self, log: &str) {
        let mut open: HashMap<i64, Handle> = HashMap::new();
        // The unfinished call of each thread, with the number of calls that were complete when it
        // began.
        let mut begun: HashMap<&str, (String, usize)> = HashMap::new();
        for line in log.lines() {
            let (thread, rest) = line.split_once(' ').expect("the number of a thread");
            let rest = rest.trim_start();
            if rest.starts_with("+++") || rest.starts_with("---") {
                continue;
            }
            if let Some(first) = rest.strip_suffix(" <unfinished ...>") {
                // A descriptor is free as soon as its close begins: another thread may get it
                // meanwhile.
                if let Some(descriptor) = first.strip_prefix("close(") {
                    open.remove(&descriptor.parse().expect("a descriptor"));
                }
                begun.insert(thread, (first.to_owned(), self.calls.len()));
                continue;
            }
            let (whole, began) = match rest.strip_prefix("<... ") {
                Some(resumed) => {
                    let (_, last) = resumed.split_once(" resumed>").expect("resumed");
                    let (first, began) = begun.remove(thread).expect("begun before");
                    (first + last, began)
                }
                None => (rest.to_owned(), self.calls.len()),
            };
            let (call, result) = whole.rsplit_once(" = ").unwrap_or_else(|| panic!("not a call: {}", short(line)));
            let (name, arguments) = call.trim_end().split_once('(').expect("arguments");
            if name == "close" && rest.starts_with("<... ") {
                continue;
            }
            // Strings are in hexadecimal, so they contain no comma.
            let arguments = arguments.trim_end_matches(')').split(", ").map(str::trim).collect();
            self.take(&Ended { name, arguments, result, began }, &mut open);
        }
    }

    fn take(&mut self, call: &Ended<'_>, open: &mut HashMap<i64, Handle>) {
        let value = call.value();
        let injected = call.result.contains("(INJECTED)");
        if !injected && value.is_some_and(|value| value >= 0) && self.take_name(call, open) {
            return;
        }
        let handle = call.arguments[0].parse::<i64>().ok().and_then(|number| open.get_mut(&number));
        match (call.name, handle) {
            ("fsync" | "fdatasync", Some(Handle::File { file, .. })) => {
                if injected && value == Some(0) {
                    return;
                }
                let (file, began) = (*file, call.began);
                self.calls.push(match value {
                    Some(0) => Call::Sync { file, began },
                    _ => Call::FailedSync { file },
                });
            }
            _ if injected || value.is_none_or(|value| value < 0) => {}
            ("fsync" | "fdatasync", Some(Handle::Folder(folder))) => {
                self.calls.push(Call::SyncNames { folder: folder.clone(), began: call.began });
            }
            ("write", Some(Handle::File { file, position })) => {
                let bytes = call.written(1);
                let offset = *position;
                *position += bytes.len();
                self.calls.push(Call::Write { file: *file, offset, bytes });
            }
            ("pwrite64", Some(Handle::File { file, .. })) => {
                let offset = call.arguments[3].parse().expect("an offset");
                self.calls.push(Call::Write { file: *file, offset, bytes: call.written(1) });
            }
            ("ftruncate", Some(Handle::File { file, .. })) => {
                let length = call.arguments[1].parse().expect("a length");
                self.calls.push(Call::Truncate { file: *file, length });
            }
            ("close", Some(_)) => drop(open.remove(&call.arguments[0].parse().expect("a descriptor"))),
            ("read", Some(Handle::File { position, .. })) => {
                *position += usize::try_from(value.unwrap_or_default()).expect("not negative");
            }
            ("lseek", Some(Handle::Folder(_))) => {}
            ("fcntl", Some(_)) if !call.arguments[1].starts_with("F_DUPFD") => {}
            ("write", None) if call.arguments[0] == "1" => self.tell(&call.written(1)),
            ("mmap", _) => {
                let mapped = call.arguments[4].parse::<i64>().ok().and_then(|number| open.get(&number));
                assert!(
                    mapped.is_none() || call.arguments[3].contains("MAP_PRIVATE"),
                    "a file is mapped to be written"
                );
            }
            (name, Some(handle)) => panic!("{name} on {handle:?} is not modelled"),
            // Other files: their arguments are not paths.
            ("read" | "write", None) => {}
            (name, None) => {
                let mut paths = (0..call.arguments.len()).filter(|at| call.arguments[*at].starts_with('"'));
                let beneath = paths.find_map(|at| self.name_of(&call.text(at)));
                assert!(beneath.is_none(), "{name} on {beneath:?} is not modelled");
                assert!(!name.starts_with("io_") && !name.starts_with("sync"), "{name} is not modelled");
            }
        }
    }

    /// Name of a path below the folder.
    fn name_of(&self, path: &str) -> Option<String> {
        Some(Path::new(path).strip_prefix(&self.root).ok()?.to_str().expect("UTF-8").to_owned())
    }

    /// Path of an argument: below the folder in the argument before it, if that is a descriptor.
    fn path_at(&self, call: &Ended<'_>, path: usize, open: &HashMap<i64, Handle>) -> String {
        let text = call.text(path);
        let folder = path.checked_sub(1).and_then(|before| call.arguments[before].parse().ok());
        let path = match folder.and_then(|descriptor: i64| open.get(&descriptor)) {
            Some(Handle::Folder(folder)) if text == "." => self.root.join(folder),
            Some(Handle::Folder(folder)) => self.root.join(folder).join(text),
            Some(Handle::File { .. }) | None => return text,
        };
        path.to_str().expect("UTF-8").to_owned()
    }

    /// Takes a completed call that names a file; returns whether it was one.
    fn take_name(&mut self, call: &Ended<'_>, open: &mut HashMap<i64, Handle>) -> bool {
        let path = |at| self.path_at(call, at, open);
        match call.name {
            "open" => self.open(call, 0, open),
            "openat" => self.open(call, 1, open),
            "mkdir" => self.make_folder(path(0)),
            "mkdirat" => self.make_folder(path(1)),
            "rename" => self.rename(path(0), path(1)),
            "renameat" | "renameat2" => self.rename(path(1), path(3)),
            "link" => self.link(path(0), path(1)),
            "linkat" => self.link(path(1), path(3)),
            "unlink" => self.remove(path(0)),
            "unlinkat" => self.remove(path(1)),
            _ => return false,
        }
        true
    }

    fn open(&mut self, call: &Ended<'_>, path: usize, open: &mut HashMap<i64, Handle>) {
        let Some(name) = self.name_of(&self.path_at(call, path, open)) else { return };
        let flags: Vec<&str> = call.arguments[path + 1].split('|').collect();
        assert!(!flags.contains(&"O_APPEND"), "appending writes are not modelled");
        let handle = if self.folders.contains(&name) {
            Handle::Folder(name)
        } else {
            let file = match self.files.get(&name).copied() {
                Some(file) => {
                    if flags.contains(&"O_TRUNC") {
                        self.calls.push(Call::Truncate { file, length: 0 });
                    }
                    file
                }
                None => {
                    assert!(flags.contains(&"O_CREAT"), "{name} existed before it was created");
                    self.made += 1;
                    self.files.insert(name.clone(), self.made);
                    self.calls.push(Call::Create { name, file: self.made });
                    self.made
                }
            };
            Handle::File { file, position: 0 }
        };
        open.insert(call.value().expect("opened"), handle);
    }

    fn make_folder(&mut self, path: String) {
        if let Some(name) = self.name_of(&path) {
            self.folders.push(name.clone());
            self.calls.push(Call::MakeFolder { name });
        }
    }

    fn rename(&mut self, from: String, to: String) {
        if let (Some(from), Some(to)) = (self.name_of(&from), self.name_of(&to)) {
            let file = self.files.remove(&from).expect("the name was registered");
            self.files.insert(to.clone(), file);
            self.calls.push(Call::Rename { from, to });
        }
    }

    fn link(&mut self, from: String, to: String) {
        if let (Some(from), Some(to)) = (self.name_of(&from), self.name_of(&to)) {
            self.files.insert(to.clone(), self.files[&from]);
            self.calls.push(Call::Link { from, to });
        }
    }

    fn remove(&mut self, path: String) {
        if let Some(name) = self.name_of(&path) {
            self.files.remove(&name).expect("a file");
            self.calls.push(Call::Remove { name });
        }
    }

    /// A line on standard output: `acknowledged SEQUENCE TICKET`, perhaps after output of the test
    /// runner.
    fn tell(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let Some((_, acknowledged)) = text.trim_end().split_once("acknowledged ") else { return };
        let (sequence, ticket) = acknowledged.split_once(' ').expect("two words");
        let sequence = sequence.parse().expect("a number");
        self.calls.push(Call::Acknowledged { sequence, ticket: ticket.to_owned() });
    }
}

impl Ended<'_> {
    /// Result of the call; `None` if the program ended meanwhile.
    fn value(&self) -> Option<i64> {
        let word = self.result.split(' ').next()?;
        word.strip_prefix("0x").map_or_else(|| word.parse().ok(), |hex| i64::from_str_radix(hex, 16).ok())
    }

    fn bytes(&self, argument: usize) -> Vec<u8> {
        let quoted = self.arguments[argument];
        let inner = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        let inner = inner.unwrap_or_else(|| panic!("not a complete text: {}", short(quoted)));
        inner.split("\\x").skip(1).map(|byte| u8::from_str_radix(byte, 16).expect("hexadecimal")).collect()
    }

    /// The written bytes: as many as the call returned.
    fn written(&self, argument: usize) -> Vec<u8> {
        let mut bytes = self.bytes(argument);
        bytes.truncate(usize::try_from(self.value().expect("written")).expect("not negative"));
        bytes
    }

    fn text(&self, argument: usize) -> String {
        String::from_utf8(self.bytes(argument)).expect("UTF-8")
    }
}

fn short(text: &str) -> String {
    text.chars().take(160).collect()
}
