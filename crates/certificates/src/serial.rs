//! Serial numbers of certificates, stored compactly: a revocation list may have hundreds of
//! thousands.

/// A certificate's serial number: at most twenty octets (RFC 5280, 4.1.2.2), right-aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial([u8; 20]);

impl Serial {
    /// Reads the content octets of the DER integer, without leading zeros; `None` if more than
    /// twenty remain.
    ///
    /// A negative number (RFC 5280 forbids it, some authorities issued them) is compared by its
    /// octets, which are the same in the certificate and in the list.
    #[must_use]
    pub fn from_der(octets: &[u8]) -> Option<Self> {
        let zeros = octets.iter().take_while(|octet| **octet == 0).count();
        let octets = octets.get(zeros..)?;
        let mut serial = [0; 20];
        let free = serial.len().checked_sub(octets.len())?;
        serial.get_mut(free..)?.copy_from_slice(octets);
        Some(Self(serial))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_zeros_are_ignored_and_twenty_octets_allowed() {
        assert_eq!(Serial::from_der(&[0, 0x80]), Serial::from_der(&[0x80]));
        assert_ne!(Serial::from_der(&[1, 0]), Serial::from_der(&[1]));
        assert!(Serial::from_der(&[0xff; 20]).is_some());
        assert!(Serial::from_der(&[0xff; 21]).is_none());
        assert!(Serial::from_der(&[]).is_some());
    }
}
