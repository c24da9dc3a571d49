//! A new app from a template.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use include_dir::{Dir, DirEntry, include_dir};

use super::project::cargo;
use crate::error::{Error, Result};

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// Names that cargo, rustc or the templates' own code already use.
const RESERVED: [&str; 14] = [
    "rusm",
    "test",
    "core",
    "std",
    "alloc",
    "proc_macro",
    "proc-macro",
    "tokio",
    "serde",
    "build",
    "deps",
    "examples",
    "incremental",
    "wasm",
];

/// Rust's own words, which can't name a crate.
const KEYWORDS: &str = " abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if impl in let loop macro match mod move mut override priv pub ref return self static struct super trait true try type typeof union unsafe unsized use virtual where while yield ";

/// Checks that a cargo package can have this name.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let refuse = |why: &str| Error::new(format!("`{name}` can't name an app: {why}"));
    let Some(first) = name.chars().next() else { return Err(refuse("it is empty")) };
    if !first.is_ascii_alphabetic() {
        return Err(refuse("it must begin with a letter"));
    }
    if let Some(wrong) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))) {
        return Err(refuse(&format!("`{wrong}` is neither a letter, a digit, `-` nor `_`")));
    }
    if name.len() > 64 {
        return Err(refuse("it has more than 64 letters"));
    }
    if KEYWORDS.contains(&format!(" {name} ")) {
        return Err(refuse("it is a word of the language"));
    }
    if RESERVED.contains(&name) {
        return Err(refuse("it is taken by a crate or folder that every app has"));
    }
    Ok(())
}

/// Writes a template's files into a new folder.
pub(crate) fn write(template: &str, name: &str, folder: &Path) -> Result<()> {
    let Some(dir) = TEMPLATES.get_dir(template) else {
        return Err(Error::new(format!("there is no template `{template}`")));
    };
    let values = [("{{name}}", name.to_owned()), ("{{crate}}", name.replace('-', "_")), ("{{rusm}}", dependency())];
    files(dir, &mut |path, text| {
        let below = path.strip_prefix(template).unwrap_or(path);
        let path = folder.join(target_name(below));
        let failed = |error| Error::new(format!("could not write {}: {error}", path.display()));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        fs::write(&path, render(text, &values)).map_err(failed)
    })
}

fn files(dir: &Dir<'_>, write: &mut impl FnMut(&Path, &str) -> Result<()>) -> Result<()> {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => files(dir, write)?,
            DirEntry::File(file) => write(file.path(), file.contents_utf8().unwrap_or_default())?,
        }
    }
    Ok(())
}

/// Cargo packages no folder that has a Cargo.toml of its own, and git would heed a .gitignore: the templates' are
/// stored under other names.
fn target_name(path: &Path) -> &Path {
    match path.to_str() {
        Some("Cargo.toml.in") => Path::new("Cargo.toml"),
        Some("gitignore") => Path::new(".gitignore"),
        _ => path,
    }
}

fn render(text: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
}

/// Which rusm the app gets: that of the checkout this program was built in, if it is still there, or the published one.
fn dependency() -> String {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rusm");
    match checkout.canonicalize() {
        Ok(path) if path.join("Cargo.toml").is_file() => format!("path = {:?}", path.display().to_string()),
        _ => format!("version = {:?}", env!("CARGO_PKG_VERSION")),
    }
}

/// Makes a new package a workspace of its own if it lies in one that does not know it, as cargo would refuse to build it
/// then; tells whether it did. One that takes it in by a pattern of its `members` is left to do so.
pub(crate) fn stand_alone(folder: &Path) -> Result<bool> {
    let output = Command::new(cargo())
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output();
    let refused = |output: &Output| {
        !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("believes it's in a workspace")
    };
    if !output.is_ok_and(|output| refused(&output)) {
        return Ok(false);
    }
    let path = folder.join("Cargo.toml");
    let failed = |error| Error::new(format!("could not write {}: {error}", path.display()));
    let text = fs::read_to_string(&path).map_err(failed)?;
    fs::write(&path, text + "\n# Not a member of the workspace around it.\n[workspace]\n").map_err(failed)?;
    Ok(true)
}

/// Makes the folder a git repository, if there is git and it is in none yet. Without git there is just no repository.
pub(crate) fn git_init(folder: &Path) {
    let git = |args: &[&str]| {
        Command::new("git")
            .args(args)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    if !git(&["rev-parse", "--is-inside-work-tree"]) {
        git(&["init", "--quiet"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_apps() {
        for name in ["shop", "my-shop", "a1_b", "counter"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "1a", "-a", "_a", "a b", "a/b", "../a", "a.b", "é", "fn", "self", "rusm", "test", "core"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn every_template_is_written_without_placeholders() {
        for template in ["service", "http", "native"] {
            let folder = tempfile::tempdir().unwrap();
            write(template, "my-shop", folder.path()).unwrap();
            for file in ["Cargo.toml", "README.md", ".gitignore"] {
                assert!(folder.path().join(file).is_file(), "{template}/{file}");
            }
            assert_eq!(folder.path().join("rusm.toml").exists(), template != "native");
            let mut left = vec![folder.path().to_owned()];
            while let Some(path) = left.pop() {
                if path.is_dir() {
                    left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                } else {
                    let text = fs::read_to_string(&path).unwrap();
                    assert!(!text.contains("{{"), "{}", path.display());
                }
            }
        }
    }

    #[test]
    fn the_manifests_of_the_templates_have_no_mistakes() {
        for template in ["service", "http"] {
            let text = TEMPLATES.get_file(format!("{template}/rusm.toml")).unwrap().contents_utf8().unwrap();
            let text = render(text, &[("{{name}}", "my-shop".into())]);
            rusm::app::Manifest::parse(Path::new("rusm.toml"), &text, &|_| None).unwrap();
        }
    }

    #[test]
    fn there_is_a_template_for_each_choice() {
        let mut names: Vec<_> = TEMPLATES.dirs().map(|dir| dir.path().display().to_string()).collect();
        names.sort();
        assert_eq!(names, ["http", "native", "service"]);
    }
}
