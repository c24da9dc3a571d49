//! From cargo's artifact to `wasm/NAME.wasm`.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::error::{Error, Result};

/// Whether a component's file had to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    New,
    Unchanged,
}

/// Puts a component where the app looks for it, unless the same bytes are there already.
pub(crate) fn install(artifact: &Path, path: &Path) -> Result<Written> {
    let failed = |path: &Path, error: io::Error| Error::new(format!("could not write {}: {error}", path.display()));
    let bytes = fs::read(artifact)
        .map_err(|error| Error::new(format!("could not read cargo's artifact {}: {error}", artifact.display())))?;
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(Written::Unchanged);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    }
    // A node that reads while we write must find the old file or the new one, never half of it.
    let temporary = path.with_extension(format!("wasm.{}", std::process::id()));
    fs::write(&temporary, bytes).map_err(|error| failed(&temporary, error))?;
    fs::rename(&temporary, path).map_err(|error| failed(path, error))?;
    Ok(Written::New)
}

/// Bytes as people read them.
pub(crate) fn size(path: &Path) -> String {
    let bytes = fs::metadata(path).map_or(0, |metadata| metadata.len());
    if bytes < 1 << 20 {
        format!("{} KiB", bytes.div_ceil(1024))
    } else {
        format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
    }
}

/// Where a component's file is for people: from here, if it is below here.
pub(crate) fn shown(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).or_else(|_| path.strip_prefix(".")).unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (artifact, path) = (folder.path().join("a.wasm"), folder.path().join("wasm/a.wasm"));
        fs::write(&artifact, b"one").unwrap();
        assert_eq!(install(&artifact, &path).unwrap(), Written::New);
        assert_eq!(install(&artifact, &path).unwrap(), Written::Unchanged);
        fs::write(&artifact, b"two").unwrap();
        assert_eq!(install(&artifact, &path).unwrap(), Written::New);
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path().join("wasm")).unwrap().count(), 1, "nothing temporary is left");
    }
}
