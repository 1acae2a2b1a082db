//! A data file while it is read: decompressed, and counted and hashed as it was stored.
//!
//! Nothing here decides whether the bytes are the right ones: [`Content::finish`] returns their
//! size and hash, and the caller compares. `finish` reads and hashes every stored byte up to one
//! past the expected length, even if the reader of the content gave up early. So the verdict on
//! hash and size never depends on what the content looked like.
//!
//! The decoders' windows bound the memory, whatever a file claims of itself. [`UnpackedLimit`]
//! bounds how much may come *out* of a file, in all and for each stored byte: the number of records
//! that the publisher announces is no bound.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use aws_lc_rs::digest::{Context, SHA256, digest};
use flate2::bufread::MultiGzDecoder;

use super::notification::Uri;
use ehealth_core::model::Digest;

/// Bytes of one read from the source, and of one buffer that is returned to the reader: 128 KiB.
const BUFFER_BYTES: usize = 128 * 1024;

/// Maximum zstd window, as a power of two: 64 MiB, which `zstd --ultra -21` asks for. A frame
/// header may ask for more memory than the machine has.
const WINDOW_LOG_MAX: u32 = 26;

/// Compression of a data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not compressed.
    Plain,
    /// gzip (RFC 1952), one or more members.
    Gzip,
    /// Zstandard (RFC 8878), one or more frames.
    Zstd,
}

impl Compression {
    /// The compression that the file's name says: `.gz`, `.zst`, or none.
    #[must_use]
    pub fn of(uri: &Uri) -> Self {
        match uri.as_str().rsplit_once('.') {
            Some((_, "gz")) => Self::Gzip,
            Some((_, "zst")) => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// Size and hash of a file as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileDigest {
    /// Length in bytes; one more than expected stands for any greater length.
    pub bytes: u64,
    /// SHA-256 of these bytes.
    pub digest: Digest,
}

/// Maximum size of a data file, as stored and unpacked: 16 GiB, some ten times the largest snapshot
/// of the country.
pub const CONTENT_BYTES_MAX: u64 = 16 << 30;

/// Maximum unpacked bytes for each stored byte. Data files of the country unpack to 5 to 20 times
/// their size.
const EXPANSION_MAX: u64 = 200;

/// Unpacked bytes to which [`EXPANSION_MAX`] does not apply: 1 MiB. A small file may repeat itself.
const EXPANSION_FREE_BYTES: u64 = 1 << 20;

/// The unpacked content of a file is larger than it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnpackedLimit {
    /// More than [`CONTENT_BYTES_MAX`].
    #[error("the file unpacks to more than 16 GiB")]
    Total,
    /// Too much for the stored bytes read so far.
    #[error("the file unpacks to more than 200 times its size")]
    Expansion,
}

/// The decompressed content of a file, to be read line by line.
pub struct Content<R: Read>(BufReader<Limited<R>>);

impl<R: Read> Content<R> {
    /// Starts to read a file with `expected_bytes` announced. It never takes more than one byte
    /// beyond that.
    ///
    /// # Errors
    /// If the decoder cannot be created (out of memory).
    pub fn open(source: R, compression: Compression, expected_bytes: u64) -> io::Result<Self> {
        let stored = HashingReader::new(source, expected_bytes);
        let decoder = match compression {
            Compression::Plain => Decoder::Plain(stored),
            Compression::Gzip => Decoder::Gzip(MultiGzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, stored))),
            Compression::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(BufReader::with_capacity(BUFFER_BYTES, stored))?;
                decoder.window_log_max(WINDOW_LOG_MAX)?;
                Decoder::Zstd(decoder)
            }
        };
        Ok(Self(BufReader::with_capacity(BUFFER_BYTES, Limited { decoder, unpacked: 0 })))
    }

    /// Reads the rest of the stored bytes and returns the file's size and hash.
    ///
    /// # Errors
    /// The source's error, if the source failed now or earlier (an earlier read then failed too,
    /// with some error). The file is then unknown, not wrong.
    pub fn finish(self) -> io::Result<FileDigest> {
        let mut stored = match self.0.into_inner().decoder {
            Decoder::Plain(stored) => stored,
            Decoder::Gzip(decoder) => decoder.into_inner().into_inner(),
            Decoder::Zstd(decoder) => decoder.finish().into_inner(),
        };
        let mut scratch = vec![0; BUFFER_BYTES];
        while stored.failure.is_none() && stored.read(&mut scratch)? > 0 {}
        match stored.failure {
            Some(kind) => Err(kind.into()),
            None => Ok(FileDigest { bytes: stored.bytes, digest: finish(stored.context) }),
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

enum Decoder<R: Read> {
    Plain(HashingReader<R>),
    Gzip(MultiGzDecoder<BufReader<HashingReader<R>>>),
    Zstd(zstd::Decoder<'static, BufReader<HashingReader<R>>>),
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stored) => stored.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
        }
    }
}

impl<R: Read> Decoder<R> {
    /// Stored bytes that were read so far.
    fn stored_bytes(&self) -> u64 {
        match self {
            Self::Plain(stored) => stored.bytes,
            Self::Gzip(decoder) => decoder.get_ref().get_ref().bytes,
            Self::Zstd(decoder) => decoder.get_ref().get_ref().bytes,
        }
    }
}

/// A decoder that fails when its output reaches an [`UnpackedLimit`].
struct Limited<R: Read> {
    decoder: Decoder<R>,
    unpacked: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.decoder.read(buffer)?;
        self.unpacked = self.unpacked.saturating_add(count as u64);
        match exceeded(self.unpacked, self.decoder.stored_bytes()) {
            None => Ok(count),
            Some(limit) => Err(io::Error::other(limit)),
        }
    }
}

/// The limit that the unpacked bytes of these stored bytes exceed.
fn exceeded(unpacked: u64, stored: u64) -> Option<UnpackedLimit> {
    let expansion_max = stored.saturating_mul(EXPANSION_MAX).saturating_add(EXPANSION_FREE_BYTES);
    if unpacked > CONTENT_BYTES_MAX {
        Some(UnpackedLimit::Total)
    } else if unpacked > expansion_max {
        Some(UnpackedLimit::Expansion)
    } else {
        None
    }
}

/// Counts and hashes the stored bytes, and ends one byte after the expected length.
struct HashingReader<R> {
    source: io::Take<R>,
    context: Context,
    bytes: u64,
    /// The source's first error.
    failure: Option<io::ErrorKind>,
}

impl<R: Read> HashingReader<R> {
    fn new(source: R, expected_bytes: u64) -> Self {
        Self {
            source: source.take(expected_bytes.saturating_add(1)),
            context: Context::new(&SHA256),
            bytes: 0,
            failure: None,
        }
    }
}

impl<R: Read> Read for HashingReader<R> {
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

/// SHA-256 of bytes in memory.
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

    fn read(stored: &[u8], compression: Compression, expected: u64) -> (io::Result<Vec<u8>>, FileDigest) {
        let mut content = Content::open(stored, compression, expected).expect("memory enough");
        let mut text = Vec::new();
        let outcome = content.read_to_end(&mut text).map(|_| text);
        (outcome, content.finish().expect("memory does not fail"))
    }

    #[test]
    fn decompresses_several_members_and_hashes_the_stored_bytes() {
        let zstd = |text: &[u8]| zstd::encode_all(text, 1).expect("into memory");
        for (compression, stored) in [
            (Compression::Plain, b"one\ntwo\n".to_vec()),
            (Compression::Gzip, [gzip(b"one\n"), gzip(b"two\n")].concat()),
            (Compression::Zstd, [zstd(b"one\n"), zstd(b"two\n")].concat()),
        ] {
            let (text, found) = read(&stored, compression, stored.len() as u64);
            assert_eq!(text.expect("well compressed"), b"one\ntwo\n", "{compression:?}");
            assert_eq!(found, FileDigest { bytes: stored.len() as u64, digest: digest_of(&stored) });
        }
    }

    #[test]
    fn a_file_that_cannot_be_decompressed_is_hashed_all_the_same() {
        let whole = gzip(b"one\n");
        for stored in [&whole[..whole.len() - 3], b"no gzip at all", &[&whole[..], b"garbage behind"].concat()] {
            let (text, found) = read(stored, Compression::Gzip, stored.len() as u64);
            assert!(text.is_err());
            assert_eq!(found, FileDigest { bytes: stored.len() as u64, digest: digest_of(stored) });
        }
    }

    #[test]
    fn reads_at_most_one_byte_more_than_announced() {
        let (_, found) = read(&[b'x'; 1000], Compression::Plain, 10);
        assert_eq!(found.bytes, 11);
    }

    #[test]
    fn a_file_unpacks_to_a_bounded_multiple_of_its_size() {
        let zeros = vec![0; 8 << 20];
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&zeros).expect("into memory");
        let gzip = gzip.finish().expect("into memory");
        let zstd = zstd::encode_all(&zeros[..], 1).expect("into memory");
        for (compression, stored) in [(Compression::Gzip, gzip), (Compression::Zstd, zstd)] {
            let mut content = Content::open(&stored[..], compression, stored.len() as u64).expect("memory enough");
            let mut unpacked = Vec::new();
            let error = content.read_to_end(&mut unpacked).expect_err("a bomb");
            let limit = error.get_ref().and_then(|error| error.downcast_ref::<UnpackedLimit>());
            assert_eq!(limit, Some(&UnpackedLimit::Expansion), "{compression:?}");
            let most = stored.len() as u64 * EXPANSION_MAX + EXPANSION_FREE_BYTES;
            assert!(unpacked.len() as u64 <= most, "{} of at most {most}", unpacked.len());
            // The file is the announced one, all the same.
            assert_eq!(content.finish().expect("memory does not fail").digest, digest_of(&stored));
        }
        let (text, _) = read(&zeros, Compression::Plain, zeros.len() as u64);
        assert_eq!(text.expect("not packed").len(), zeros.len());
    }

    #[test]
    fn the_limits_of_the_content_are_inclusive() {
        assert_eq!(exceeded(EXPANSION_FREE_BYTES, 0), None);
        assert_eq!(exceeded(EXPANSION_FREE_BYTES + 1, 0), Some(UnpackedLimit::Expansion));
        assert_eq!(exceeded(EXPANSION_FREE_BYTES + 400, 2), None);
        assert_eq!(exceeded(CONTENT_BYTES_MAX, u64::MAX), None);
        assert_eq!(exceeded(CONTENT_BYTES_MAX + 1, u64::MAX), Some(UnpackedLimit::Total));
    }

    #[test]
    fn refuses_a_zstd_window_above_the_limit() {
        // Magic number, a descriptor without single segment, and a window descriptor asking for
        // 2^41 bytes.
        let stored = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 0x01, 0x00, 0x00];
        assert!(read(&stored, Compression::Zstd, 9).0.is_err());
    }

    #[test]
    fn distinguishes_a_failing_source_from_a_wrong_file() {
        struct Cut;
        impl Read for Cut {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
        let mut content = Content::open(Cut, Compression::Gzip, 10).expect("memory enough");
        assert!(content.read(&mut [0; 4]).is_err());
        assert_eq!(content.finish().expect_err("it failed").kind(), io::ErrorKind::ConnectionReset);
    }
}
