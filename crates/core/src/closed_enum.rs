//! `closed_enum!` declares a closed list. There is no other way to declare one in this workspace.

/// Declares an enum together with the list of all its variants, and optionally the code of each.
///
/// The list is generated from the enum, so that a new variant is in `ALL` without further work. In
/// an enum with codes, a variant without a code does not compile, and `parse` finds the variant of a
/// code. Match the enum without `_ =>`,
/// and the compiler names every place that a new variant has to fill.
///
/// ```
/// ehealth_core::closed_enum! {
///     /// Colours of the traffic light.
///     #[derive(Debug, Clone, Copy, PartialEq, Eq)]
///     pub enum Light {
///         /// Stop.
///         Red => "red",
///         /// Go.
///         Green => "green",
///     }
/// }
/// assert_eq!(Light::ALL.map(Light::code), ["red", "green"]);
/// assert_eq!((Light::parse("green"), Light::parse("Green")), (Some(Light::Green), None));
/// ```
///
/// Without codes, `ALL` alone is generated:
///
/// ```
/// ehealth_core::closed_enum! {
///     /// Sides of a coin.
///     #[derive(Debug, Clone, Copy, PartialEq, Eq)]
///     pub enum Side {
///         /// Head.
///         Head,
///         /// Tail.
///         Tail,
///     }
/// }
/// assert_eq!(Side::ALL.len(), 2);
/// ```
#[macro_export]
macro_rules! closed_enum {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident {
            $($(#[$variant_attribute:meta])* $variant:ident => $code:literal,)+
        }
    ) => {
        $crate::closed_enum! {
            $(#[$attribute])*
            $visibility enum $name {
                $($(#[$variant_attribute])* $variant,)+
            }
        }

        impl $name {
            /// Code of the variant, the same in files, logs, metrics and on the wire.
            #[must_use]
            $visibility const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// Returns the variant with this code; `None` for any other text. Case-sensitive.
            #[must_use]
            #[allow(dead_code, reason = "some codes are only written")]
            $visibility fn parse(code: &str) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident {
            $($(#[$variant_attribute:meta])* $variant:ident,)+
        }
    ) => {
        $(#[$attribute])*
        $visibility enum $name {
            $($(#[$variant_attribute])* $variant,)+
        }

        impl $name {
            /// Every variant, in the order of declaration.
            $visibility const ALL: [Self; [$(stringify!($variant)),+].len()] = [$(Self::$variant),+];
        }
    };
}
