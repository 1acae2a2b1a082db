//! Writers of what [`KEYS`] documents: the packaged settings file and the README's table.

use super::all_keys::KEYS;
use super::key::{Example, Kind};
use super::key_names::{DATASET, LANGUAGE};

/// Width of a comment in the packaged settings file, in characters.
const WIDTH: usize = 98;

/// Writes the packaged settings file: every setting with its meaning. Settings that have a default
/// or that few installations need are commented out.
#[must_use]
pub fn write_example() -> String {
    let mut text = String::from(
        "# Settings of ehealth-attributes. `ehealth-attributes config check` reports every error;\n\
         # `config show` prints each active value and its source. Relative paths start at this file's\n\
         # folder. Each setting can also be set as EHEALTH_ATTRIBUTES_SECTION_KEY in the environment, or\n\
         # as --set section.key=value.\n",
    );
    let mut open = "";
    for key in KEYS {
        let (section, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
        let is_note = section.contains(DATASET) || section.contains(LANGUAGE);
        if section != open {
            open = section;
            // A section without a set value is commented out.
            let mark = if is_note || !has_set(section) { "# " } else { "" };
            text.push_str(&format!("\n{mark}[{}]\n", section.replace(DATASET, "dimona").replace(LANGUAGE, "nl")));
        }
        text.push_str(&wrap(key.meaning));
        if let Some(default) = key.default {
            text.push_str(&format!("# Default: {default}\n"));
        }
        let quote = if matches!(key.kind, Kind::Integer | Kind::Truth) { "" } else { "\"" };
        match key.example {
            Example::Set(value) => text.push_str(&format!("{name} = {quote}{value}{quote}\n")),
            Example::Note(value) => text.push_str(&format!("# {name} = {quote}{value}{quote}\n")),
        }
    }
    text
}

fn has_set(section: &str) -> bool {
    let mut in_section = KEYS.iter().filter(|key| key.name.rsplit_once('.').is_some_and(|(of, _)| of == section));
    in_section.any(|key| matches!(key.example, Example::Set(_)))
}

/// Writes a comment in lines of at most [`WIDTH`] characters.
fn wrap(meaning: &str) -> String {
    let mut text = String::new();
    let mut line = String::from("#");
    for word in meaning.replace('`', "'").split(' ') {
        if line.chars().count() + word.chars().count() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    text + &line + "\n"
}

/// Writes the settings as a Markdown table for the README.
#[must_use]
pub fn write_table() -> String {
    let rows = KEYS.iter().map(|key| {
        let default = key.default.map_or(String::new(), |default| format!("`{default}`"));
        format!("| `{}` | {} | {default} | {} |\n", key.name, key.kind.describe(), key.meaning)
    });
    format!("| setting | kind | default | meaning |\n|---|---|---|---|\n{}", rows.collect::<String>())
}
