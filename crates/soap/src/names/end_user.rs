//! Header block of the end user, and its local elements.

use super::Namespace::EndUser;
use super::{Element, local, message};

/// The header block.
pub const BLOCK: Element = message(EndUser, "endUser", EndUser, "EndUserType");
/// Identifier of the person.
pub const ID: Element = local("id", EndUser, "EndUserTextType");
/// Capacity in which the person asks.
pub const QUALITY: Element = local("quality", EndUser, "EndUserTextType");
/// Reference to a consent.
pub const CONSENT_REFERENCE: Element = local("consentReference", EndUser, "EndUserTextType");
