//! `faultcode` of SOAP 1.1.

ehealth_core::closed_enum! {
    /// `faultcode`: the four of SOAP 1.1, section 4.4.1.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum FaultCode {
        /// The message or its sender caused the fault.
        Client => "Client",
        /// The service caused the fault.
        Server => "Server",
        /// The envelope has another version of SOAP.
        VersionMismatch => "VersionMismatch",
        /// A header with `mustUnderstand` was not understood.
        MustUnderstand => "MustUnderstand",
    }
}
