//! Names of version 0.1 that have a new name. An old name is an error that names the new one,
//! wherever it is set.

use super::key_names;

/// A setting of version 0.1.
pub(super) struct Renamed {
    /// Name in version 0.1; `DATASET` stands for each of the five datasets.
    pub old: &'static str,
    /// Name today.
    pub new: &'static str,
    /// Values that have a new name too: old and new.
    pub values: &'static [(&'static str, &'static str)],
}

/// Every renamed setting.
pub(super) const RENAMED: &[Renamed] = &[
    Renamed { old: "server.port", new: "server.listen_mode", values: &[("own", "exclusive"), ("shared", "shared")] },
    renamed("server.messages_each", "server.max_requests_per_consumer"),
    Renamed {
        old: "data.fetch",
        new: "data.fetch_mode",
        values: &[("here", "in_process"), ("elsewhere", "separate_process")],
    },
    renamed("feeds.DATASET.authorities", "feeds.DATASET.server_ca"),
    renamed("feeds.DATASET.time_a_file", "feeds.DATASET.file_timeout"),
    renamed("feeds.DATASET.wrong_share", "feeds.DATASET.max_rejected_share"),
    renamed("feeds.DATASET.loss_share", "feeds.DATASET.max_shrink_share"),
    renamed("trail.folder", "audit_log.folder"),
    renamed("trail.keys", "audit_log.keys"),
    renamed("trail.missing_keys", "audit_log.missing_keys"),
    renamed("trail.name", "audit_log.origin"),
    renamed("trail.checkpoint_copy", "audit_log.checkpoint_copy"),
    renamed("trail.missing_checkpoint", "audit_log.missing_checkpoint"),
    renamed("trail.verified", "audit_log.verification_report"),
];

const fn renamed(old: &'static str, new: &'static str) -> Renamed {
    Renamed { old, new, values: &[] }
}

/// Every old name: `DATASET` is replaced by each dataset.
pub(super) fn old_names() -> impl Iterator<Item = String> {
    RENAMED.iter().flat_map(|renamed| key_names::expand(renamed.old))
}

/// The error for an old name; `None` for any other name. `write` gives the new name its form: a key
/// as it is, or the name of a variable.
pub(super) fn explain(old: &str, write: impl Fn(&str) -> String) -> Option<String> {
    let (general, dataset) = key_names::generalise(old);
    let renamed = RENAMED.iter().find(|renamed| renamed.old == general)?;
    let new = dataset.map_or(renamed.new.to_owned(), |dataset| renamed.new.replace("DATASET", dataset.code()));
    let values: Vec<_> = renamed.values.iter().map(|(old, new)| format!("\"{old}\" is now \"{new}\"")).collect();
    let values = if values.is_empty() { String::new() } else { format!("; {}", values.join(", ")) };
    Some(format!("is now `{}`{values}", write(&new)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_names_are_gone_and_new_names_exist() {
        for renamed in RENAMED {
            assert!(key_names::find(renamed.old).is_none(), "{}", renamed.old);
            assert!(key_names::find(renamed.new).is_some(), "{}", renamed.new);
        }
    }

    #[test]
    fn the_error_names_dataset_and_values() {
        let explain = |old| explain(old, str::to_owned);
        assert_eq!(explain("trail.folder").as_deref(), Some("is now `audit_log.folder`"));
        assert_eq!(explain("feeds.persons.loss_share").as_deref(), Some("is now `feeds.persons.max_shrink_share`"));
        let fetch =
            "is now `data.fetch_mode`; \"here\" is now \"in_process\", \"elsewhere\" is now \"separate_process\"";
        assert_eq!(explain("data.fetch").as_deref(), Some(fetch));
        assert_eq!(explain("data.folder"), None);
    }
}
