//! Generates the types of the contract with `xsd-parser`.
//!
//! The generator reads schemas, not WSDLs: the schema inside of each WSDL is written to a file of its own, beside
//! those that it imports. `CONTRACT` may name a folder of `ehealth-attributes contract export`; the default are
//! `wsdl/` and `schemas/` of the project.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use xsd_parser::config::{GeneratorFlags, Schema};
use xsd_parser::{Config, IdentType};

/// WSDLs, with the name that `soap.xsd` gives the schema in each.
const SERVICES: [(&str, &str); 2] =
    [("eHealthAttributesServiceV1.wsdl", "consult.xsd"), ("TestConnectionServiceV1.wsdl", "test.xsd")];
const SCHEMAS: [&str; 4] = ["CommonV3.xsd", "eHealthAttributesV1.xsd", "EndUserV1.xsd", "TestConnectionServiceV1.xsd"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=CONTRACT");
    println!("cargo::rerun-if-changed=soap.xsd");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let (wsdl, schemas) = match env::var_os("CONTRACT") {
        Some(folder) => (PathBuf::from(&folder), PathBuf::from(&folder)),
        None => (PathBuf::from("../../wsdl"), PathBuf::from("../../schemas")),
    };
    for (file, name) in SERVICES {
        fs::write(out.join(name), schema_of(&read(&wsdl.join(file))?)?)?;
    }
    for file in SCHEMAS {
        fs::write(out.join(file), read(&schemas.join(file))?)?;
    }
    fs::copy("soap.xsd", out.join("soap.xsd"))?;
    let config = Config::default()
        .with_schema(Schema::File(out.join("soap.xsd")))
        .with_generate([(IdentType::Element, "soap:Envelope")])
        // A sequence becomes a struct with its elements as fields. Both services have an InformationCBSSType: each
        // namespace is a module.
        .with_generator_flags(GeneratorFlags::FLATTEN_CONTENT | GeneratorFlags::USE_NAMESPACE_MODULES)
        .with_quick_xml();
    fs::write(out.join("contract.rs"), xsd_parser::generate(config)?.to_string())?;
    Ok(())
}

fn read(path: &Path) -> Result<String, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", path.display());
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// The schema inside a WSDL, as a document: with the prefixes that the WSDL declares, and imports by file name.
fn schema_of(wsdl: &str) -> Result<String, &'static str> {
    let part = |from: &str, to: &str| {
        let start = wsdl.find(from)?;
        let end = start + wsdl[start..].find(to)?;
        Some(&wsdl[start + from.len()..end])
    };
    let prefixes = part("<wsdl:definitions", ">").ok_or("no wsdl:definitions")?;
    let prefixes = prefixes.split_whitespace().filter(|attribute| attribute.starts_with("xmlns:"));
    let schema = part("<xs:schema", "</xs:schema>").ok_or("no xs:schema")?.replace("../schemas/", "");
    Ok(format!("<xs:schema {}{schema}</xs:schema>", prefixes.collect::<Vec<_>>().join(" ")))
}
