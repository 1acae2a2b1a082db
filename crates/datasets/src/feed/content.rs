//! A data file on its way in: unpacked by name, counted and hashed as it was stored.
//!
//! Nothing here decides whether the bytes are the right ones; [`Content::seal`] tells what they were, and whoever asked
//! for them compares. After `seal` every stored byte up to one past the expected length was read and hashed, however
//! early the reader of the content gave up: a verdict on hash and size never depends on what the content looked like.
//!
//! Memory is bounded by the windows of the decoders, whatever a file says of itself; how much may come *out* of a
//! small file is bounded by [`Records`](super::Records), which stops at the number of records that was announced.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use aws_lc_rs::digest::{Context, SHA256, digest};
use flate2::bufread::MultiGzDecoder;

use super::Uri;
use ehealth_core::model::Digest;

/// Bytes asked of the source, and handed to the reader, at a time.
const STRIDE: usize = 128 * 1024;

/// The largest zstd window that is accepted, as a power of two: 64 MiB, what `zstd --ultra -21` asks for. A frame
/// header may ask for more than the machine has.
const WINDOW_LOG_MAX: u32 = 26;

/// How a data file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As it is.
    Plain,
    /// gzip (RFC 1952), one member or several.
    Gzip,
    /// Zstandard (RFC 8878), one frame or several.
    Zstd,
}

impl Packing {
    /// What the file's name says.
    #[must_use]
    pub fn of(uri: &Uri) -> Self {
        match uri.as_str().rsplit_once('.') {
            Some((_, "gz")) => Self::Gzip,
            Some((_, "zst")) => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// What a file was, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// Its length in bytes; one more than expected stands for any greater length.
    pub bytes: u64,
    /// SHA-256 of those bytes.
    pub digest: Digest,
}

/// The unpacked content of a file, to be read line by line.
pub struct Content<R: Read>(BufReader<Unpacked<R>>);

impl<R: Read> Content<R> {
    /// Begins to read a file of which `expected_bytes` were announced. At most one byte more is ever taken.
    ///
    /// # Errors
    /// If no decoder can be set up (out of memory).
    pub fn open(source: R, packing: Packing, expected_bytes: u64) -> io::Result<Self> {
        let tap = Tap::new(source, expected_bytes);
        let unpacked = match packing {
            Packing::Plain => Unpacked::Plain(tap),
            Packing::Gzip => Unpacked::Gzip(MultiGzDecoder::new(BufReader::with_capacity(STRIDE, tap))),
            Packing::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(BufReader::with_capacity(STRIDE, tap))?;
                decoder.window_log_max(WINDOW_LOG_MAX)?;
                Unpacked::Zstd(decoder)
            }
        };
        Ok(Self(BufReader::with_capacity(STRIDE, unpacked)))
    }

    /// Reads the rest of the stored bytes and tells what the file was.
    ///
    /// # Errors
    /// What the source said, if it failed now or earlier (then the earlier read failed too, with some error): the
    /// file is unknown, not wrong.
    pub fn seal(self) -> io::Result<Seal> {
        let mut tap = match self.0.into_inner() {
            Unpacked::Plain(tap) => tap,
            Unpacked::Gzip(decoder) => decoder.into_inner().into_inner(),
            Unpacked::Zstd(decoder) => decoder.finish().into_inner(),
        };
        let mut scratch = vec![0; STRIDE];
        while tap.failure.is_none() && tap.read(&mut scratch)? > 0 {}
        match tap.failure {
            Some(kind) => Err(kind.into()),
            None => Ok(Seal { bytes: tap.bytes, digest: finish(tap.context) }),
        }
    }
}

impl<R: Read> fmt::Debug for Content<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").finish_non_exhaustive()
    }
}

impl<R: Read> Read for Content<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R: Read> BufRead for Content<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

enum Unpacked<R: Read> {
    Plain(Tap<R>),
    Gzip(MultiGzDecoder<BufReader<Tap<R>>>),
    Zstd(zstd::Decoder<'static, BufReader<Tap<R>>>),
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tap) => tap.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
        }
    }
}

/// Counts and hashes what passes, and ends one byte after the expected length.
struct Tap<R> {
    source: io::Take<R>,
    context: Context,
    bytes: u64,
    failure: Option<io::ErrorKind>,
}

impl<R: Read> Tap<R> {
    fn new(source: R, expected_bytes: u64) -> Self {
        Self {
            source: source.take(expected_bytes.saturating_add(1)),
            context: Context::new(&SHA256),
            bytes: 0,
            failure: None,
        }
    }
}

impl<R: Read> Read for Tap<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.source.read(buffer) {
            Ok(count) => {
                let passed = buffer.get(..count).unwrap_or_default();
                self.context.update(passed);
                self.bytes = self.bytes.saturating_add(passed.len() as u64);
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.failure = Some(error.kind());
                Err(error)
            }
        }
    }
}

/// SHA-256 of bytes that are at hand.
#[must_use]
pub fn digest_of(bytes: &[u8]) -> Digest {
    let mut value = [0; 32];
    for (to, from) in value.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *to = *from;
    }
    Digest::new(value)
}

fn finish(context: Context) -> Digest {
    let mut value = [0; 32];
    for (to, from) in value.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    Digest::new(value)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).expect("into memory");
        encoder.finish().expect("into memory")
    }

    fn read(stored: &[u8], packing: Packing, expected: u64) -> (io::Result<Vec<u8>>, Seal) {
        let mut content = Content::open(stored, packing, expected).expect("memory enough");
        let mut text = Vec::new();
        let outcome = content.read_to_end(&mut text).map(|_| text);
        (outcome, content.seal().expect("memory does not fail"))
    }

    #[test]
    fn unpacks_several_members_and_seals_the_stored_bytes() {
        let zstd = |text: &[u8]| zstd::encode_all(text, 1).expect("into memory");
        for (packing, stored) in [
            (Packing::Plain, b"one\ntwo\n".to_vec()),
            (Packing::Gzip, [gzip(b"one\n"), gzip(b"two\n")].concat()),
            (Packing::Zstd, [zstd(b"one\n"), zstd(b"two\n")].concat()),
        ] {
            let (text, seal) = read(&stored, packing, stored.len() as u64);
            assert_eq!(text.expect("well packed"), b"one\ntwo\n", "{packing:?}");
            assert_eq!(seal, Seal { bytes: stored.len() as u64, digest: digest_of(&stored) });
        }
    }

    #[test]
    fn what_cannot_be_unpacked_is_sealed_all_the_same() {
        let whole = gzip(b"one\n");
        for stored in [&whole[..whole.len() - 3], b"no gzip at all", &[&whole[..], b"garbage behind"].concat()] {
            let (text, seal) = read(stored, Packing::Gzip, stored.len() as u64);
            assert!(text.is_err());
            assert_eq!(seal, Seal { bytes: stored.len() as u64, digest: digest_of(stored) });
        }
    }

    #[test]
    fn takes_one_byte_more_than_announced_and_no_other() {
        let (_, seal) = read(&[b'x'; 1000], Packing::Plain, 10);
        assert_eq!(seal.bytes, 11);
    }

    #[test]
    fn a_window_beyond_the_machine_is_refused() {
        // Magic number, a descriptor without single segment, and a window descriptor asking for 2^41 bytes.
        let stored = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 0x01, 0x00, 0x00];
        assert!(read(&stored, Packing::Zstd, 9).0.is_err());
    }

    #[test]
    fn a_failing_source_is_told_from_a_wrong_file() {
        struct Cut;
        impl Read for Cut {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
        let mut content = Content::open(Cut, Packing::Gzip, 10).expect("memory enough");
        assert!(content.read(&mut [0; 4]).is_err());
        assert_eq!(content.seal().expect_err("it failed").kind(), io::ErrorKind::ConnectionReset);
    }
}
